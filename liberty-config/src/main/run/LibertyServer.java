import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs or packages the built server on the Java that runs this program, since Maven's own may be older. Arguments:
 * Liberty's directory, the name of the server, and either
 * <pre>
 *   run PORT DIRECTORY       in the foreground, from a working directory; says when the server is ready
 *   package ARCHIVE PARTS    as a jar or a zip, by extension
 * </pre>
 */
public final class LibertyServer {

    private final Path liberty;
    private final String server;

    private LibertyServer(Path liberty, String server) {
        this.liberty = liberty;
        this.server = server;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        LibertyServer server = new LibertyServer(Path.of(args[0]), args[1]);
        System.exit(switch (args[2]) {
            case "run" -> server.run(Integer.parseInt(args[3]), Path.of(args[4]));
            case "package" -> server.pack(Path.of(args[3]), args[4]);
            default -> throw new IllegalArgumentException(Arrays.toString(args));
        });
    }

    private int run(int port, Path directory) throws IOException, InterruptedException {
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(port));
        } catch (IOException e) {
            System.err.printf("Port %d is taken (%s): stop what listens there, or choose another by -Dhttp.port=...%n",
                    port, e.getMessage());
            return 1;
        }
        ProcessBuilder builder = command("run").directory(directory.toFile());
        builder.environment().put("HTTP_PORT", Integer.toString(port));
        String data = builder.environment().computeIfAbsent("GEODESIC_DATA_DIRECTORY",
                name -> directory.resolve("geodesic-data").toString());
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(process)));
        if (isReady(process, URI.create("http://localhost:" + port + "/health/ready"))) {
            System.out.printf("""

                    Geodesic is ready on http://localhost:%d
                      health    http://localhost:%1$d/health
                      data      %s
                      what now  README.md, "Walk through"
                      stop      Ctrl-C

                    """, port, data);
        }
        return process.waitFor();
    }

    private int pack(Path archive, String parts) throws IOException, InterruptedException {
        Files.deleteIfExists(archive);
        return command("package", "--archive=" + archive, "--include=" + parts).start().waitFor();
    }

    private ProcessBuilder command(String action, String... options) {
        String script = System.getProperty("os.name").startsWith("Windows") ? "server.bat" : "server";
        List<String> command = new ArrayList<>(List.of(liberty.resolve("bin").resolve(script).toString(), action, server));
        command.addAll(List.of(options));
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        return builder;
    }

    private static boolean isReady(Process process, URI health) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(health).timeout(Duration.ofSeconds(5)).build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            while (!process.waitFor(250, TimeUnit.MILLISECONDS)) {
                try {
                    if (client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
                        return true;
                    }
                } catch (IOException e) {
                    // Not listening yet.
                }
            }
        }
        return false;
    }

    /** The script's child is the server: both are told, and the server gets the time to close its files. */
    private static void stop(Process process) {
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
        try {
            process.waitFor(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
