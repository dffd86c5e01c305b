package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.ok;
import static dev.geodesic.it.ws.Features.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The event table of the feature modules: spec/execution.md 7. */
interface EventTableTests {

    @Test
    @Proves("execution.md 7")
    @Proves("module-abi.md 7")
    default void eventsAreSentAndNotStored() {
        for (String crate : Features.OF_2) {
            try (TestDatabase db = Features.publish(crate)) {
                for (Subprotocol subprotocol : List.of(Subprotocol.V2, Subprotocol.V3)) {
                    WsClient client = db.open(subprotocol);
                    client.subscribe(1, 1, "SELECT * FROM spark");
                    assertEquals("applied 1/1 {}", client.next());
                    client.subscribe(2, 2, "SELECT * FROM spark WHERE id = 8");
                    assertEquals("applied 2/2 {}", client.next());
                    // The same key again and again, and never a row that goes.
                    for (int i = 0; i < 3; i++) {
                        client.call(3, "emit", 7, "bright");
                        assertEquals("result 3 ok 1{spark+[7,\"bright\"]}", client.next());
                    }
                    ok(db, "emit", 8, "brighter");
                    assertEquals(List.of("spark+[8,\"brighter\"]", "spark+[8,\"brighter\"]"), Features.nextRows(client));
                    // A table within its transaction.
                    ok(db, "emit_and_look", 9, false);
                    assertEquals("update 1{spark+[9,\"first\"]}", client.next());
                    assertTrue(refused(db, "emit_and_look", 9, true).contains("nothing is sent"));
                    ok(db, "emit_and_delete", 8);
                    client.silent();
                    client.query(4, "SELECT * FROM spark");
                    assertEquals("rows 4 {}", client.next());
                    assertEquals(List.of(), db.sql("SELECT * FROM spark"));
                    client.close();
                }
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    @Proves("execution.md 7")
    default void whoCannotSubscribe() {
        try (TestDatabase db = Features.publish()) {
            for (Subprotocol subprotocol : List.of(Subprotocol.V1_JSON, Subprotocol.V1_BSATN)) {
                WsClient client = db.open(subprotocol);
                client.subscribe(1, 1, "SELECT * FROM spark");
                String error = client.next();
                assertTrue(error.endsWith("Subscribing to event tables requires WebSocket v2. Please upgrade your client SDK and "
                        + "regenerate your module bindings."), error);
                client.subscribe(2, 2, "SELECT * FROM *");
                assertTrue(client.next().startsWith("applied 2/2 "));
                ok(db, "emit", 1, "unseen");
                client.call(3, "clear_items");
                assertEquals("result 3 ok", client.next());
                client.close();
            }
            WsClient client = db.open(Subprotocol.V2);
            client.subscribe(1, 1, "SELECT post.* FROM post JOIN spark ON post.id = spark.id");
            String error = client.next();
            assertTrue(error.contains("Event tables cannot be used as the lookup table in subscription joins"), error);
        }
    }
}
