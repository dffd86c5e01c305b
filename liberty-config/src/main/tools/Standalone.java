import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The server as a program beside an unmodified command line tool. Arguments: the directory of this file, which lies in that
 * of the server, and either
 * <pre>
 *   extract-schema FILE      prints what a module declares, as JSON and nothing else
 *   start OPTION...          runs the server; of an option that is repeated the last one counts
 *     --data-dir DIRECTORY     databases; else as the server is configured
 *     --jwt-key-dir DIRECTORY  keys that sign tokens, made if there are none
 *     --listen-addr HOST:PORT  else 0.0.0.0:3000
 *     --pg-port PORT           for PostgreSQL clients
 *     --in-memory              keep nothing
 * </pre>
 */
public final class Standalone {

    private static final String USAGE = """
            usage: spacetimedb-standalone extract-schema FILE
                   spacetimedb-standalone start [--data-dir DIRECTORY] [--jwt-key-dir DIRECTORY] [--listen-addr HOST:PORT]
                                                [--pg-port PORT] [--in-memory]""";
    private static final List<String> WITH_VALUE = List.of("--data-dir", "--jwt-key-dir", "--listen-addr", "--pg-port");
    private static final String IN_MEMORY = "--in-memory";
    /** What of the application describing a module needs. */
    private static final List<String> LIBRARIES = List.of("geodesic-sats", "geodesic-protocol", "geodesic-engine", "bcprov",
            "fastutil", "slf4j");

    private final Path tools;
    private final Path server;

    private Standalone(Path tools) {
        this.tools = tools;
        this.server = tools.getParent();
    }

    /** What the user did wrong. */
    private static final class UsageException extends Exception {

        private static final long serialVersionUID = 1L;

        UsageException(String message) {
            super(message);
        }
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        Standalone standalone = new Standalone(Path.of(args[0]).toAbsolutePath());
        List<String> rest = List.of(args).subList(1, args.length);
        try {
            System.exit(switch (rest.isEmpty() ? "" : rest.getFirst()) {
                case "extract-schema" -> standalone.extractSchema(rest.subList(1, rest.size()));
                case "start" -> standalone.start(options(rest.subList(1, rest.size())));
                default -> throw new UsageException(USAGE);
            });
        } catch (UsageException e) {
            System.err.println(e.getMessage());
            System.exit(2);
        }
    }

    // ---- extract-schema ----

    private int extractSchema(List<String> arguments) throws IOException, InterruptedException, UsageException {
        if (arguments.size() != 1) {
            throw new UsageException(USAGE);
        }
        if (arguments.getFirst().endsWith(".js")) {
            throw new UsageException(arguments.getFirst() + ": JavaScript modules are not supported; build WebAssembly");
        }
        if (!Files.isReadable(Path.of(arguments.getFirst()))) {
            throw new UsageException(arguments.getFirst() + ": there is no such file");
        }
        Path libraries = Files.createTempDirectory("geodesic-tools");
        try {
            unpack(libraries);
            return new ProcessBuilder(
                    java(), "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
                    "-Dgeodesic.wasmtime.library=" + server.resolve("native"), "-cp", libraries.resolve("*").toString(),
                    tools.resolve("ExtractSchema.java").toString(), arguments.getFirst()).inheritIO().start().waitFor();
        } finally {
            try (Stream<Path> all = Files.walk(libraries)) {
                for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private void unpack(Path libraries) throws IOException {
        try (ZipFile application = new ZipFile(server.resolve("apps").resolve("geodesic.ear").toFile())) {
            for (ZipEntry entry : application.stream().toList()) {
                String name = entry.getName();
                if (name.startsWith("lib/") && LIBRARIES.stream().anyMatch(name::contains)) {
                    Files.copy(application.getInputStream(entry), libraries.resolve(Path.of(name).getFileName()));
                }
            }
        }
    }

    // ---- start ----

    private static Map<String, String> options(List<String> arguments) throws UsageException {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < arguments.size(); i++) {
            String[] parts = arguments.get(i).split("=", 2);
            if (parts[0].equals(IN_MEMORY) && parts.length == 1) {
                options.put(IN_MEMORY, "");
            } else if (!WITH_VALUE.contains(parts[0])) {
                throw new UsageException("unknown option " + arguments.get(i) + "\n" + USAGE);
            } else if (parts.length == 2) {
                options.put(parts[0], parts[1]);
            } else if (i + 1 < arguments.size()) {
                options.put(parts[0], arguments.get(++i));
            } else {
                throw new UsageException("no value for " + parts[0] + "\n" + USAGE);
            }
        }
        return options;
    }

    private int start(Map<String, String> options) throws IOException, InterruptedException, UsageException {
        Path liberty = server.getParent().getParent().getParent();
        String script = System.getProperty("os.name").startsWith("Windows") ? "server.bat" : "server";
        ProcessBuilder builder = new ProcessBuilder(
                liberty.resolve("bin").resolve(script).toString(), "run", server.getFileName().toString()).inheritIO();
        Map<String, String> environment = builder.environment();
        environment.put("JAVA_HOME", System.getProperty("java.home"));
        listen(options.getOrDefault("--listen-addr", "0.0.0.0:3000"), environment);
        if (options.containsKey("--pg-port")) {
            environment.put("GEODESIC_PG_PORT", options.get("--pg-port"));
        }
        if (options.containsKey(IN_MEMORY)) {
            environment.put("GEODESIC_STORAGE", "memory");
        }
        Path data = Path.of(options.getOrDefault(
                "--data-dir", environment.getOrDefault("GEODESIC_DATA_DIRECTORY", "geodesic-data"))).toAbsolutePath();
        environment.put("GEODESIC_DATA_DIRECTORY", data.toString());
        if (options.containsKey("--jwt-key-dir")) {
            useKeys(data.resolve("keys"), Path.of(options.get("--jwt-key-dir")).toAbsolutePath());
        }
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(process)));
        return process.waitFor();
    }

    private static void listen(String address, Map<String, String> environment) throws UsageException {
        int colon = address.lastIndexOf(':');
        String host = colon < 0 ? "" : address.substring(0, colon).replaceAll("^\\[|]$", "");
        String port = address.substring(colon + 1);
        if (colon < 0 || host.isEmpty() || !port.matches("[0-9]{1,5}")) {
            throw new UsageException("--listen-addr " + address + ": expected HOST:PORT");
        }
        environment.put("HTTP_HOST", host.equals("0.0.0.0") || host.equals("::") ? "*" : host);
        environment.put("HTTP_PORT", port);
    }

    /** The server has its keys in the data directory: a link leads to the others. */
    private static void useKeys(Path link, Path keys) throws IOException, UsageException {
        Files.createDirectories(keys);
        Files.createDirectories(link.getParent());
        if (Files.isSymbolicLink(link)) {
            Files.delete(link);
        }
        if (!Files.exists(link)) {
            Files.createSymbolicLink(link, keys);
        } else if (!Files.isSameFile(link, keys)) {
            throw new UsageException("--jwt-key-dir " + keys + ": " + link + " has keys already; move them there, or do without");
        }
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
