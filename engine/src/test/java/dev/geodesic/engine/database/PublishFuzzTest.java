package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs that somebody has damaged: published, they do no harm; refused, they leave nothing. */
@Timeout(240)
class PublishFuzzTest {

    private static final byte[] CHAT = TestServer.read("../samples/chat/module/chat.wasm");
    /** What may be said of a bad program, or of a good one that does not fit. */
    private static final Set<ErrorCode> ALLOWED = Set.of(
            ErrorCode.INVALID_MODULE, ErrorCode.INVALID_MODULE_DEF, ErrorCode.UNSUPPORTED_FEATURE, ErrorCode.LIMIT_EXCEEDED,
            ErrorCode.REDUCER_FAILED, ErrorCode.GUEST_TRAP, ErrorCode.GUEST_TIMEOUT, ErrorCode.MIGRATION_REFUSED,
            ErrorCode.MIGRATION_FAILED, ErrorCode.ENVIRONMENT_MISSING, ErrorCode.VIEW_FAILED);
    private static final int RUNS = 25;

    @TempDir
    private Path data;

    private static byte[] damaged(Random random) {
        byte[] bytes = CHAT.clone();
        switch (random.nextInt(4)) {
            case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 1 -> {
                // Names, strings and descriptions of types.
                for (int i = random.nextInt(40); i >= 0; i--) {
                    int at = random.nextInt(bytes.length);
                    if (bytes[at] >= ' ' && bytes[at] < 0x7f) {
                        bytes[at] = (byte) (bytes[at] ^ 1 << random.nextInt(5));
                    }
                }
            }
            case 2 -> bytes[8 + random.nextInt(200)] = (byte) random.nextInt();
            default -> {
                for (int i = random.nextInt(3); i >= 0; i--) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                }
            }
        }
        return bytes;
    }

    @Test
    @Proves("http-api.md 6.1")
    void damagedProgramsDoNoHarm() throws Exception {
        try (TestServer test = new TestServer(data, TestServer.limitsOfCalls(1_000), LogFactory.MEMORY)) {
            Database chat = test.create("chat", CHAT);
            test.commit(chat, "send_message", "[\"hello\"]");
            Seeds.repeat(RUNS, random -> {
                byte[] program = damaged(random);
                boolean update = random.nextBoolean();
                String name = update ? "chat" : "fresh";
                try {
                    PublishResult result = test.server.publish(new PublishRequest(
                            Optional.of(name), test.ownerIdentity(), program, false));
                    if (update) {
                        // Whatever it does, the next program finds the data.
                        test.publish("chat", CHAT, false);
                    } else {
                        test.server.delete(result.identity(), test.ownerIdentity());
                    }
                } catch (EngineException e) {
                    assertTrue(ALLOWED.contains(e.code()), e::describe);
                    assertFalse(e.getMessage().isBlank());
                }
                Database now = test.server.database(test.server.resolve("chat"));
                assertEquals(Optional.empty(), now.failure());
            });
            test.publish("chat", CHAT, false);
            Database now = test.server.database(test.server.resolve("chat"));
            assertEquals(1, test.count(now, "SELECT * FROM message"));
            test.commit(now, "send_message", "[\"again\"]");
            Await.until("nothing waits", () -> now.queueDepth() == 0);
            assertEquals(1, test.count(now, "SELECT * FROM st_client"));
        }
    }
}
