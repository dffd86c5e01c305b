package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Variables that the operator sets and a compiled module reads, and functions that only some may call. */
class EnvironmentTest {

    private static final byte[] MODULE = TestServer.read("../samples/modules/features-2.11/features_2_11.wasm");

    @TempDir
    private Path data;

    private static EnvironmentChange greeting(String text) {
        return new EnvironmentChange(Map.of("GREETING", text), Set.of(), false);
    }

    private static void assertGreets(TestServer test, Database database, String text) throws IOException {
        test.commit(database, "greet", "[]");
        assertTrue(database.log().tail(3).stream().anyMatch(l -> l.contains("\"message\":\"" + text + "\"")),
                database.log().tail(3)::toString);
    }

    @Test
    @Proves("http-api.md 10")
    @Proves("module-abi.md 7")
    void modulesSeeTheirVariablesAtTheNextCall() throws Exception {
        Identity identity;
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, new CommitLogs(CommitLogOptions.DEFAULTS))) {
            identity = test.server.publish(new PublishRequest(
                    Optional.of("greeter"), test.ownerIdentity(), MODULE, false, greeting("from the start"), Optional.empty()))
                    .identity();
            Database database = test.server.database(identity);
            assertGreets(test, database, "from the start");
            test.server.changeEnvironment(identity, greeting("later"), test.ownerIdentity());
            assertGreets(test, database, "later");
            TestServer.assertCode(ErrorCode.NOT_AUTHORIZED, () ->
                    test.server.changeEnvironment(identity, greeting("foreign"), test.other.claims().identity()));
            TestServer.assertCode(ErrorCode.INVALID_ENVIRONMENT, () -> test.server.changeEnvironment(
                    identity, new EnvironmentChange(Map.of("A=B", "x"), Set.of(), false), test.ownerIdentity()));
            assertEquals(Map.of("GREETING", "later"), test.server.environment(identity, test.ownerIdentity()));
        }
        try (TestServer test = new TestServer(data, Limits.DEFAULTS, new CommitLogs(CommitLogOptions.DEFAULTS))) {
            Identity owner = test.server.entry(identity).orElseThrow().owner();
            Database database = test.server.database(identity);
            assertGreets(test, database, "later");
            test.server.changeEnvironment(identity, new EnvironmentChange(Map.of(), Set.of("GREETING"), false), owner);
            assertGreets(test, database, "no greeting");
        }
    }

    /** Procedures that run on a schedule are private: for others than the owner they do not exist. */
    @Test
    @Proves("module-def.md 5")
    @Proves("execution.md 8.1")
    void privateProceduresAreForTheOwner() {
        try (TestServer test = new TestServer(data)) {
            Database database = test.create("tasks", MODULE);
            Arguments task = new Arguments.Json("[{\"scheduled_id\": 7, \"scheduled_at\": {\"Time\": "
                    + "{\"__timestamp_micros_since_unix_epoch__\": 1}}, \"label\": \"by hand\", \"how\": \"\"}]");
            TestServer.assertCode(ErrorCode.NO_SUCH_PROCEDURE, () -> Database.join(
                    database.callFunction(TestServer.client(test.other), "run_task", task)));
            assertEquals(0, test.count(database, "SELECT * FROM tick"));
            assertInstanceOf(CallAnswer.OfProcedure.class, Database.join(
                    database.callFunction(TestServer.client(test.owner), "run_task", task)));
            assertEquals(1, test.count(database, "SELECT * FROM tick WHERE label = 'by hand'"));
        }
    }
}
