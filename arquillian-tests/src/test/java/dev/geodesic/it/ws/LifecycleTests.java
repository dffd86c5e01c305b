package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.call;
import static dev.geodesic.it.ws.Features.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Lifecycle reducers of the feature modules: spec/execution.md 3. */
interface LifecycleTests {

    @Test
    @Proves("execution.md 3.1")
    @Proves("module-def.md 7")
    @Proves("module-abi.md 7")
    default void initRunsOnce() throws Exception {
        for (String crate : Features.CRATES) {
            try (TestDatabase db = Features.publish(crate)) {
                String born = "SELECT crate_version, by, has_connection FROM born";
                List<String> expected = List.of("[\"" + crate + "\",[\"0x" + db.owner.identity() + "\"],false]");
                assertEquals(expected, db.sql(born));
                Http.ok("PUT", "database/" + db.name, db.owner.token(), Files.readAllBytes(Features.module(crate)));
                assertEquals(expected, db.sql(born), crate + " after an update");
            }
        }
    }

    /** A refused client hears why; the rows about it and what the reducer wrote are gone. */
    @Test
    @Proves("execution.md 3.2")
    default void connectionsAreRefused() {
        try (TestDatabase db = Features.publish()) {
            ok(db, "set_gate", "visits", true);
            User user = Http.newUser();
            WsClient inside = db.open(user, Subprotocol.V2);
            ok(db, "set_gate", "refuse", true);
            for (Subprotocol subprotocol : Subprotocol.values()) {
                String end = db.enter(db.upgrade(subprotocol).token(user.token())).end();
                assertTrue(end.contains("closed today"), end);
            }
            assertEquals("403 closed today", status(call(db, user, "spin", 1L)));
            assertEquals("403 closed today", status(Http.send("POST", "database/" + db.name + "/sql", user.token(),
                    "SELECT * FROM tick".getBytes())));
            // The owner is refused as well; who is inside stays and can open the gate.
            inside.call(1, "set_gate", "refuse", false);
            assertEquals("result 1 ok", inside.next());
            inside.call(2, "set_gate", "panic on connect", true);
            assertEquals("result 2 ok", inside.next());
            String end = db.enter(db.upgrade(Subprotocol.V2).token(user.token())).end();
            assertTrue(end.startsWith("1011"), end);
            inside.call(3, "set_gate", "panic on connect", false);
            assertEquals("result 3 ok", inside.next());
            assertEquals(1, db.sql("SELECT * FROM visit WHERE came = true AND who = 0x" + user.identity()).size(),
                    "only the client that got in");
        }
    }

    private static String status(java.net.http.HttpResponse<String> answer) {
        return answer.statusCode() + " " + answer.body();
    }

    /** Once for every client that was let in, however it goes and whatever the reducer does. */
    @Test
    @Proves("execution.md 3.3")
    default void everyClientLeavesOnce() {
        for (String crate : Features.CRATES) {
            try (TestDatabase db = Features.publish(crate)) {
                ok(db, "set_gate", "visits", true);
                User user = Http.newUser();
                String who = "who = 0x" + user.identity();
                WsClient vanishing = db.open(user, Subprotocol.V2);
                WsClient resetting = db.open(user, Subprotocol.V1_BSATN);
                WsClient polite = db.open(user, Subprotocol.V1_JSON);
                call(db, user, "spin", 1L);
                vanishing.vanish();
                resetting.reset();
                polite.frame(WsClient.FIN | WsClient.CLOSE, new byte[] {3, (byte) 0xe8});
                Features.await(crate + " leaves", 4,
                        () -> db.sql("SELECT * FROM visit WHERE came = false AND " + who).size());
                List<String> came = db.sql("SELECT conn FROM visit WHERE came = true AND " + who);
                assertEquals(4, came.size());
                assertEquals(came.stream().sorted().toList(),
                        db.sql("SELECT conn FROM visit WHERE came = false AND " + who).stream().sorted().toList());
                // A reducer that fails does not keep anybody.
                for (String gate : List.of("fail disconnect", "panic on disconnect")) {
                    WsClient client = db.open(user, Subprotocol.V2);
                    ok(db, "set_gate", gate, true);
                    client.vanish();
                    db.awaitConnections(0);
                    ok(db, "set_gate", gate, false);
                }
                assertEquals(4, db.sql("SELECT * FROM visit WHERE came = false AND " + who).size(), "rolled back");
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }
}
