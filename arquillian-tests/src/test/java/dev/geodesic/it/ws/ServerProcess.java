package dev.geodesic.it.ws;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The built server as a process of its own on {@link Http#PORT}, which can be stopped, killed and measured. */
final class ServerProcess implements AutoCloseable {

    private static final Path LIBERTY = Path.of(System.getProperty("wlp.home")).toAbsolutePath().normalize();
    private static final int START_SECONDS = 600;
    private static final int STOP_SECONDS = 60;

    /**
     * What a process holds, in bytes where not said otherwise.
     *
     * @param resident memory as the system counts it
     * @param heap used Java heap after a full collection
     * @param committed what the virtual machine knows of: heap, classes, threads, code, native memory taken through it
     * @param tables rows and indexes of all databases
     * @param files open file descriptors
     */
    record Vitals(long resident, long heap, long committed, long tables, int files, int threads) {
    }

    private final Process script;
    private final ProcessHandle java;
    private final Path log;

    private ServerProcess(Process script, ProcessHandle java, Path log) {
        this.script = script;
        this.java = java;
        this.log = log;
    }

    /** Starts a server and waits until it is ready; {@code work} gets its output, {@code data} is the data directory. */
    static ServerProcess start(Path work, Path data, String... jvmOptions) {
        try {
            Files.createDirectories(work);
            Path log = work.resolve("server.log");
            ProcessBuilder builder = new ProcessBuilder(
                    LIBERTY.resolve("bin").resolve("server").toString(), "run", "geodesic").directory(work.toFile());
            builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment().put("HTTP_PORT", Integer.toString(Http.PORT));
            builder.environment().put("GEODESIC_PG_PORT", "0");
            builder.environment().put("GEODESIC_DATA_DIRECTORY", data.toString());
            builder.environment().put("WLP_OUTPUT_DIR", work.resolve("output").toString());
            builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
            builder.environment().put("JVM_ARGS", "-XX:NativeMemoryTracking=summary " + String.join(" ", jvmOptions));
            Process script = builder.start();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                script.descendants().forEach(ProcessHandle::destroyForcibly);
                script.destroyForcibly();
            }));
            awaitReady(script, log);
            return new ServerProcess(script, java(script), log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void awaitReady(Process script, Path log) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + Http.PORT + "/health/ready"))
                .timeout(Duration.ofSeconds(5)).build();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        try (HttpClient client = HttpClient.newHttpClient()) {
            while (System.nanoTime() < end && !script.waitFor(100, TimeUnit.MILLISECONDS)) {
                try {
                    if (client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
                        return;
                    }
                } catch (IOException e) {
                    // Not listening yet.
                }
            }
        }
        throw new AssertionError("the server does not start: " + Files.readString(log));
    }

    /** The script may have become the virtual machine, or waits for it. */
    private static ProcessHandle java(Process script) {
        return Stream.concat(Stream.of(script.toHandle()), script.descendants())
                .filter(p -> p.info().command().filter(c -> c.endsWith("/java")).isPresent())
                .findFirst().orElseThrow(() -> new AssertionError("the server has no process"));
    }

    boolean isAlive() {
        return java.isAlive();
    }

    Path log() {
        return log;
    }

    /** As a power switch would, for this process. */
    void kill() {
        java.destroyForcibly();
        await();
    }

    /** As an operator does; fails if it takes too long. */
    void stop() {
        java.destroy();
        await();
    }

    private void await() {
        try {
            java.onExit().get(STOP_SECONDS, TimeUnit.SECONDS);
            script.waitFor();
        } catch (Exception e) {
            throw new AssertionError("the server does not end", e);
        }
    }

    Vitals vitals() {
        jcmd("GC.run");
        long heap = kib("GC.heap_info", "used (\\d+)K");
        long committed = kib("VM.native_memory", "Total: .*committed=(\\d+)KB");
        Path proc = Path.of("/proc", Long.toString(java.pid()));
        String status = read(proc.resolve("status"));
        long tables = Http.ok("GET", "metrics", null, new byte[0]).lines()
                .filter(line -> line.startsWith("geodesic_memory_bytes{"))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(' ') + 1))).sum();
        return new Vitals(
                1024 * number(status, "VmRSS:\\s+(\\d+) kB"), heap, committed, tables, count(proc.resolve("fd")),
                (int) number(status, "Threads:\\s+(\\d+)"));
    }

    /** Leaves the server's threads and figures of this moment in a directory. */
    void witness(Path directory) {
        try {
            Files.createDirectories(directory);
            Files.writeString(directory.resolve("threads.txt"), jcmd("Thread.print"));
            jcmd("Thread.dump_to_file", "-overwrite", directory.resolve("all-threads.txt").toAbsolutePath().toString());
            Files.writeString(directory.resolve("metrics.txt"), Http.ok("GET", "metrics", null, new byte[0]));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long kib(String command, String pattern) {
        return 1024 * number(jcmd(command), pattern);
    }

    private String jcmd(String... command) {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), Long.toString(java.pid())));
        line.addAll(List.of(command));
        try {
            Process jcmd = new ProcessBuilder(line).redirectErrorStream(true).start();
            return new String(jcmd.getInputStream().readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long number(String text, String pattern) {
        Optional<MatchResult> found = Pattern.compile(pattern).matcher(text).results().findFirst();
        return Long.parseLong(found.orElseThrow(() -> new AssertionError(pattern + " is not in " + text)).group(1));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int count(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return (int) files.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        if (isAlive()) {
            kill();
        }
    }
}
