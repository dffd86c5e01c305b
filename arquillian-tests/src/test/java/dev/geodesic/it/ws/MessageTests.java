package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.testkit.Proves;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Requests and answers: spec/websocket.md 5.3, 5.4, 6.3, 8 and 9. */
interface MessageTests {

    String RED = "team+[1,\"red\"]";
    String BLUE = "team+[2,\"blue\"]";

    private static void eachSubprotocol(java.util.function.BiConsumer<TestDatabase, Subprotocol> test) {
        for (Subprotocol subprotocol : Subprotocol.values()) {
            try (TestDatabase db = TestDatabase.publish()) {
                test.accept(db, subprotocol);
            } catch (AssertionError e) {
                throw new AssertionError(subprotocol + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    @Proves("websocket.md 5.3")
    @Proves("websocket.md 6.3")
    @Proves("execution.md 2.1")
    @Proves("execution.md 2.2")
    default void callsAreAnswered() {
        eachSubprotocol((db, subprotocol) -> {
            WsClient client = db.open(subprotocol);
            boolean v1 = subprotocol.isV1();
            client.call(1, "add_member", 1, 1, "ann", true);
            assertEquals("result 1 ok", client.next());
            client.call(2, "fail", "because");
            assertEquals("result 2 failed: because", client.next());
            client.call(3, "boom");
            String internal = v1 ? "failed: " : "internal: ";
            assertEquals("result 3 " + internal + "The instance encountered a fatal error.", client.next());
            client.call(4, "duplicate_key");
            assertEquals("result 4 " + internal + "The instance encountered a fatal error.", client.next());
            int unstarted = v1 ? 0 : 5;
            client.call(5, "nope");
            assertEquals("result " + unstarted + " " + internal + "no such reducer", client.next());
            client.call(5, "connected");
            assertEquals("result " + unstarted + " " + internal + "can't directly call special OnConnect lifecycle reducer",
                    client.next());
            client.call(5, "add_member", 1);
            String cause = subprotocol.isText()
                    ? "invalid length 1, expected product with 4 elements"
                    : "data too short for u32: Expected 4, given 0";
            String level = subprotocol.isText() ? "." : cause;
            assertEquals("result " + unstarted + " " + internal + "invalid arguments for reducer add_member: "
                    + (v1 ? level + ": invalid arguments for function add_member: " + level + ": " : "")
                    + (subprotocol.isText() ? ".: " : "") + cause, client.next());
            client.send(new ClientMessage.CallProcedure("nope", client.arguments(), 6));
            assertEquals("procedure 6 internal: No such procedure", client.next());
            client.call(7, "nothing");
            assertEquals("result 7 ok", client.next());
            assertEquals(List.of("[1,1,\"ann\",true]"), db.sql("SELECT * FROM member"));
        });
    }

    @Test
    @Proves("websocket.md 5.3")
    default void noSuccessNotifyIsSilent() {
        for (Subprotocol subprotocol : List.of(Subprotocol.V1_BSATN, Subprotocol.V1_JSON)) {
            try (TestDatabase db = TestDatabase.publish()) {
                WsClient client = db.open(subprotocol);
                Arguments none = client.arguments();
                client.send(new ClientMessage.CallReducer("nothing", none, 1, false));
                client.send(new ClientMessage.CallReducer("fail", client.arguments("x"), 2, false));
                client.send(new ClientMessage.CallReducer("boom", none, 3, false));
                client.send(new ClientMessage.CallReducer("nope", none, 4, false));
                client.alive();
                client.subscribe(5, 1, "SELECT * FROM team");
                assertEquals("applied 5/1 {" + RED + " " + BLUE + "}", client.next());
                client.send(new ClientMessage.CallReducer("test_write_and_fail", client.arguments("panic"), 6, false));
                client.send(new ClientMessage.CallReducer("add_member", client.arguments(1, 1, "ann", true), 7, false));
                client.alive();
                client.subscribe(8, 2, "SELECT * FROM member");
                assertEquals("applied 8/2 {member+[1,1,\"ann\",true]}", client.next());
                // Treated as any other subscriber.
                client.send(new ClientMessage.CallReducer("rename_member", client.arguments(1, "eve"), 9, false));
                assertEquals("update 9 {member-[1,1,\"ann\",true] member+[1,1,\"eve\",true]}", client.next());
                client.silent();
            }
        }
    }

    @Test
    @Proves("websocket.md 8")
    default void subscriptionsAreAnswered() {
        eachSubprotocol((db, subprotocol) -> {
            WsClient client = db.open(subprotocol);
            String set = subprotocol.isV1() ? " {" : " 1{";
            client.subscribe(1, 1, "SELECT * FROM team WHERE id = 1", "SELECT * FROM member");
            assertEquals("applied 1/1 {" + RED + "}", client.next());
            client.subscribe(2, 1, "SELECT * FROM team");
            String taken = client.next();
            assertEquals("error 2/1: Subscription with id QuerySetId { id: 1 } already exists for client: ",
                    taken.substring(0, taken.indexOf('(')));
            client.subscribe(3, 2, "SELECT * FROM team", "SELECT * FROM nope");
            assertEquals("error 3/2: no such table: `nope`. If the table exists, it may be marked private., "
                    + "executing: `SELECT * FROM nope`", client.next());
            client.call(4, "add_member", 1, 1, "ann", true);
            assertEquals("result 4 ok" + set + "member+[1,1,\"ann\",true]}", client.next());
            client.call(5, "rename_member", 1, "eve");
            assertEquals("result 5 ok" + set + "member-[1,1,\"ann\",true] member+[1,1,\"eve\",true]}", client.next());
            client.unsubscribe(6, 1);
            String dropped = client.next();
            assertEquals("dropped 6/1 {", dropped.substring(0, 13));
            assertEquals(java.util.Set.of("team-[1,\"red\"]", "member-[1,1,\"eve\",true]"),
                    java.util.Set.of(dropped.substring(13, dropped.length() - 1).split(" ")));
            client.call(7, "delete_member", 1);
            assertEquals("result 7 ok", client.next());
            client.unsubscribe(8, 1);
            String gone = client.next();
            assertEquals("error 8/1: Subscription not found: ", gone.substring(0, gone.indexOf('(')));
            // The failed set 2 was not registered, so its id is free.
            client.subscribe(9, 2, "SELECT * FROM team");
            assertEquals("applied 9/2 {" + RED + " " + BLUE + "}", client.next());
            client.silent();
        });
    }

    @Test
    @Proves("websocket.md 5.3")
    @Proves("websocket.md 6.3")
    default void oneOffQueriesAreAnswered() {
        eachSubprotocol((db, subprotocol) -> {
            WsClient owner = db.open(subprotocol);
            owner.query(1, "SELECT * FROM team WHERE id = 2");
            assertEquals("rows 1 {" + BLUE + "}", owner.next());
            owner.query(2, "SELECT * FROM member");
            assertEquals("rows 2 {}", owner.next());
            owner.query(3, "SELECT * FROM nope");
            assertEquals("no rows: no such table: `nope`. If the table exists, it may be marked private.", owner.next());
            owner.query(4, "SELEKT");
            String syntax = owner.next();
            assertEquals("no rows: sql parser error: ", syntax.substring(0, 27));
            owner.query(5, "SELECT * FROM secret");
            assertEquals("rows 5 {}", owner.next());
            WsClient other = db.greeted(db.upgrade(subprotocol));
            other.query(6, "SELECT * FROM secret");
            assertEquals("no rows: no such table: `secret`. If the table exists, it may be marked private.", other.next());
        });
    }
}
