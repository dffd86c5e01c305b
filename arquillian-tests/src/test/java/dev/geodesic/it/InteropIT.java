package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.geodesic.testkit.Proves;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.container.test.api.RunAsClient;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The published clients, unmodified, and pages in a headless browser against the deployed EAR: what {@code samples/interop}
 * describes. Reports and screenshots go to {@code target/interop}.
 */
@ExtendWith(ArquillianExtension.class)
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class InteropIT {

    private static final Path SAMPLES = Path.of("..", "samples").toAbsolutePath().normalize();
    private static final Path REPORTS = Path.of("target", "interop").toAbsolutePath();
    private static final int NODE_VERSION_MIN = 20;

    @Deployment
    static EnterpriseArchive ear() {
        return Ear.with(InteropIT.class);
    }

    /** Packages 1.12, 2.0, 2.1 and 2.10 of npm. */
    @Test
    @RunAsClient
    @Proves("client-expectations.md 1.1")
    @Proves("client-expectations.md 3")
    @Proves("client-expectations.md 4.1")
    @Proves("client-expectations.md 4.2")
    @Proves("client-expectations.md 4.3")
    @Proves("client-expectations.md 4.4")
    @Proves("client-expectations.md 4.5")
    @Proves("client-expectations.md 5")
    @Proves("client-expectations.md 12")
    @Proves("client-expectations.md 13")
    void packagesFollowEveryChange() throws IOException, InterruptedException {
        requireNode();
        run("client");
    }

    /** Crates spacetimedb-sdk 1.12 and 2.11. */
    @Test
    @RunAsClient
    @Proves("client-expectations.md 1.1")
    @Proves("client-expectations.md 3")
    @Proves("client-expectations.md 6.1")
    @Proves("client-expectations.md 6.2")
    @Proves("client-expectations.md 6.3")
    @Proves("client-expectations.md 6.4")
    @Proves("client-expectations.md 7")
    @Proves("client-expectations.md 12")
    @Proves("client-expectations.md 13")
    void cratesFollowEveryChange() throws IOException, InterruptedException {
        requireNode();
        requireBuilt("debug/client-1", "clients");
        requireBuilt("debug/client-2", "clients");
        run("crate");
    }

    /** Crate spacetimedb-cli 1.3.0, and the npm package of its time with the bindings that it generates. */
    @Test
    @RunAsClient
    @Proves("client-expectations.md 1.1")
    @Proves("client-expectations.md 10")
    @Proves("client-expectations.md 11")
    void commandLineTool() throws IOException, InterruptedException {
        requireNode();
        requireBuilt("bin/spacetimedb-cli", "cli");
        run("command line");
    }

    @Test
    @RunAsClient
    void modulesThatNeedMoreAreRefused() throws IOException, InterruptedException {
        requireNode();
        run("refused");
    }

    @Test
    @RunAsClient
    void twoTabsChat() throws IOException, InterruptedException {
        requireNode();
        requireChromium();
        run("chat");
    }

    @Test
    @RunAsClient
    @Proves("client-expectations.md 4.1")
    @Proves("client-expectations.md 13")
    void pagesOfOtherOriginsConnect() throws IOException, InterruptedException {
        requireNode();
        requireChromium();
        run("another origin");
    }

    private static void requireChromium() {
        String chromium = Optional.ofNullable(System.getenv("CHROMIUM")).orElse("chromium");
        if (!Files.isExecutable(Path.of(chromium)) && path(chromium).isEmpty()) {
            missing("Chromium; install it, or name it in the environment variable CHROMIUM");
        }
    }

    /** In CI the clients are built while other tests run: waits for them. */
    private static void requireBuilt(String program, String part) throws InterruptedException {
        Path clients = Optional.ofNullable(System.getenv("GEODESIC_CLIENTS")).map(Path::of)
                .orElse(SAMPLES.resolveSibling("target").resolve("clients"));
        while (Boolean.getBoolean("geodesic.ci") && !Files.isExecutable(clients.resolve(program))
                && !Files.exists(clients.resolve("failed"))) {
            Thread.sleep(1000);
        }
        if (!Files.isExecutable(clients.resolve(program))) {
            missing("target/clients/" + program + "; run `samples/interop/build.sh " + part + "`");
        }
    }

    private static Optional<Path> path(String executable) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .map(directory -> Path.of(directory, executable))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private static void requireNode() throws IOException, InterruptedException {
        if (path("node").isEmpty()) {
            missing("Node " + NODE_VERSION_MIN + " or newer");
        }
        Process version = new ProcessBuilder("node", "--version").redirectErrorStream(true).start();
        String text = new String(version.getInputStream().readAllBytes()).strip();
        version.waitFor();
        if (!text.startsWith("v") || Integer.parseInt(text.substring(1, text.indexOf('.'))) < NODE_VERSION_MIN) {
            missing("Node " + NODE_VERSION_MIN + " or newer; there is " + text);
        }
        for (String project : List.of("interop", "chat/client")) {
            if (!Files.isDirectory(SAMPLES.resolve(project).resolve("node_modules"))) {
                missing("the npm packages of samples/" + project + "; run `npm ci && npm run build --if-present` there");
            }
        }
    }

    /** Skips the test; in CI, where everything must be there, fails it. */
    private static void missing(String what) {
        if (Boolean.getBoolean("geodesic.ci")) {
            fail("missing: " + what);
        }
        // On the console, too: Maven counts what is skipped, and keeps the reason in its reports.
        System.getLogger(InteropIT.class.getName()).log(System.Logger.Level.WARNING, "skipped, missing: " + what);
        abort("missing: " + what);
    }

    private static void run(String part) throws IOException, InterruptedException {
        Files.createDirectories(REPORTS);
        String server = Ear.SERVER.toString();
        Process run = new ProcessBuilder(
                        "node", "run.mjs", server.substring(0, server.length() - 1), "--out", REPORTS.toString(), "--only", part)
                .directory(SAMPLES.resolve("interop").toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(run.getInputStream().readAllBytes());
        int code = run.waitFor();
        assertEquals(0, code, output);
        assertTrue(output.contains("ok"), "nothing ran for " + part + ": " + output);
    }
}
