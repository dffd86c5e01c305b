import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Runs the built server in the foreground, on the Java that runs this program (Maven's own may be older), and says when
 * it is ready. Arguments: Liberty's directory, name of the server, HTTP port, working directory.
 */
public final class RunServer {

    private RunServer() {
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        Path liberty = Path.of(args[0]);
        String server = args[1];
        int port = Integer.parseInt(args[2]);
        Path work = Path.of(args[3]);
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(port));
        } catch (IOException e) {
            System.err.println("Port " + port + " is taken (" + e.getMessage() + "): stop what listens there, or use -Dhttp.port=");
            System.exit(1);
        }
        String script = System.getProperty("os.name").startsWith("Windows") ? "server.bat" : "server";
        ProcessBuilder builder = new ProcessBuilder(liberty.resolve("bin").resolve(script).toString(), "run", server)
                .directory(work.toFile()).inheritIO();
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("HTTP_PORT", Integer.toString(port));
        String data = builder.environment().computeIfAbsent("GEODESIC_DATA_DIRECTORY",
                name -> work.resolve("geodesic-data").toString());
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
        System.exit(process.waitFor());
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
