package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.ConnectionId;
import java.io.File;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that gets no more memory from the system: a call fails, the process and its databases live. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class NativeMemoryTest {

    private static final int LIMIT_KIB = 20 << 20;
    private static final int DATABASES_MAX = 40;

    @TempDir
    private Path data;

    @Test
    void aProcessWithoutMemoryRefusesWhatNeedsMoreAndServesTheRest() throws Exception {
        Assumptions.assumeTrue(new File("/bin/sh").canExecute(), "needs a shell with ulimit");
        List<String> command = new ArrayList<>(List.of(
                "/bin/sh", "-c", "ulimit -v " + LIMIT_KIB + " && exec \"$@\"", "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--") || argument.startsWith("-Dchronicle")).forEach(command::add);
        command.add("-Dgeodesic.wasmtime.library=" + System.getProperty("geodesic.wasmtime.library"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName(), data.toString()));
        Path output = data.resolve("output");
        Process child = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        try {
            assertTrue(child.waitFor(150, TimeUnit.SECONDS), () -> "it hangs");
            String text = Files.readString(output);
            assertEquals(0, child.exitValue(), text);
            assertTrue(text.contains("refused: LIMIT_EXCEEDED") && text.contains("served on"), text);
        } finally {
            child.destroyForcibly();
        }
    }

    /** Publishes until nothing more goes, and sees whether the first database still works. */
    static final class Child {

        private Child() {
        }

        public static void main(String[] args) throws Exception {
            Server server = Server.start(new ServerOptions(
                    Path.of(args[0]), Limits.DEFAULTS, ChronicleStores::new, LogFactory.MEMORY,
                    Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC()));
            TokenAuthority.Issued owner = server.tokens().issueAnonymous();
            byte[] program = Files.readAllBytes(Path.of("../samples/modules/v2/kitchen_v2.wasm"));
            int count = 0;
            try {
                while (count < DATABASES_MAX) {
                    server.publish(new PublishRequest(
                            Optional.of("number-" + count), owner.claims().identity(), program, false));
                    count++;
                }
                throw new IllegalStateException("nothing was refused");
            } catch (EngineException e) {
                System.out.println(count + " databases, refused: " + e.describe());
                if (e.code() != ErrorCode.LIMIT_EXCEEDED) {
                    throw e;
                }
            }
            for (int i = 0; i < count; i++) {
                Database database = server.database(server.resolve("number-" + i));
                ClientInfo client = new ClientInfo(owner.claims().identity(), new ConnectionId(1, 1), "{}");
                CallResult result = Database.join(database.call(client, "add_note", new Arguments.Json("[\"x\"]")));
                if (!(result instanceof CallResult.Committed)) {
                    throw new IllegalStateException(result.toString());
                }
            }
            server.close();
            System.out.println("served on");
        }
    }
}
