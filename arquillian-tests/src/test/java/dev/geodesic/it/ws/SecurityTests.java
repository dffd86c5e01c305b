package dev.geodesic.it.ws;

import static dev.geodesic.it.ws.Features.call;
import static dev.geodesic.it.ws.Features.nextRows;
import static dev.geodesic.it.ws.Features.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Proves;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Row-level security of the feature modules (spec/sql.md 9): a diary is its owner's, a seat its sitter's, a post is for those
 * who have a seat in its room, and room 0 is for all.
 */
interface SecurityTests {

    /** Rows of the sender, for queries of every kind; the owner sees all. */
    @Test
    @Proves("sql.md 8")
    @Proves("sql.md 9")
    @Proves("module-def.md 6.5")
    default void rowsOfTheSender() {
        for (String crate : Features.CRATES) {
            try (TestDatabase db = Features.publish(crate)) {
                User ann = Http.newUser();
                User bob = Http.newUser();
                call(db, ann, "write_diary", "dear-ann");
                call(db, bob, "write_diary", "dear-bob");
                assertEquals(List.of("[\"dear-ann\"]"), db.sql(ann, "SELECT text FROM diary"), crate);
                assertEquals(List.of("[\"dear-bob\"]"), db.sql(bob, "SELECT text FROM diary"), crate);
                assertEquals(List.of(), db.sql(bob, "SELECT * FROM diary WHERE text = 'dear-ann'"), crate);
                assertEquals(List.of("[1]"), db.sql(ann, "SELECT COUNT(*) AS n FROM diary"), crate);
                assertEquals(2, db.sql("SELECT * FROM diary").size(), crate);
                for (Subprotocol subprotocol : crate.equals("2.8") ? Subprotocol.values() : new Subprotocol[] {Subprotocol.V2}) {
                    String mode = "light=true";
                    WsClient a = db.open(ann, subprotocol, mode);
                    WsClient b = db.open(bob, subprotocol, mode);
                    WsClient all = db.open(subprotocol, mode);
                    a.query(1, "SELECT * FROM diary");
                    assertEquals(List.of("diary+[\"dear-ann\"]"), nextRows(a), crate + subprotocol);
                    a.subscribe(2, 1, "SELECT * FROM diary");
                    assertEquals(List.of("diary+[\"dear-ann\"]"), nextRows(a));
                    b.subscribe(2, 1, "SELECT * FROM diary WHERE text <> 'dull'");
                    assertEquals(List.of("diary+[\"dear-bob\"]"), nextRows(b));
                    all.subscribe(2, 1, "SELECT * FROM diary");
                    assertEquals(List.of("diary+[\"dear-ann\"]", "diary+[\"dear-bob\"]"), nextRows(all));
                    call(db, bob, "write_diary", "secret");
                    assertEquals(List.of("diary+[\"secret\"]"), nextRows(b));
                    assertEquals(List.of("diary+[\"secret\"]"), nextRows(all));
                    call(db, bob, "tear_diary");
                    call(db, bob, "write_diary", "dear-bob");
                    assertEquals(List.of("diary-[\"dear-bob\"]", "diary-[\"secret\"]"), nextRows(b));
                    assertEquals(List.of("diary+[\"dear-bob\"]"), nextRows(b));
                    // A full TransactionUpdate of version 1 would tell that others did something, but not what.
                    a.silent();
                    List.of(a, b, all).forEach(WsClient::close);
                }
            } catch (AssertionError e) {
                throw new AssertionError(crate + ": " + e.getMessage(), e);
            }
        }
    }

    /** A rule that joins with a table that has a rule itself, and a second rule of the same table. */
    @Test
    @Proves("sql.md 9")
    default void rulesOfRules() {
        try (TestDatabase db = Features.publish()) {
            User ann = Http.newUser();
            User bob = Http.newUser();
            ok(db, "write_post", 1, 0, "all");
            ok(db, "write_post", 2, 1, "one");
            ok(db, "write_post", 3, 2, "two");
            call(db, ann, "take_seat", 1);
            call(db, bob, "take_seat", 2);
            assertEquals(List.of("[\"all\"]", "[\"one\"]"), db.sql(ann, "SELECT text FROM post").stream().sorted().toList());
            assertEquals(List.of("[\"all\"]", "[\"two\"]"), db.sql(bob, "SELECT text FROM post").stream().sorted().toList());
            assertEquals(List.of("[2]"), db.sql(ann, "SELECT COUNT(*) AS n FROM post"));
            assertEquals(List.of("[1]"), db.sql(ann, "SELECT COUNT(*) AS n FROM seat"));
            WsClient client = db.open(ann, Subprotocol.V2);
            client.subscribe(1, 1, "SELECT * FROM post");
            assertEquals(List.of("post+[1,0,\"all\"]", "post+[2,1,\"one\"]"), nextRows(client));
            // Posts come and go where the reader sits, and with the seat.
            ok(db, "write_post", 4, 2, "not-hers");
            ok(db, "write_post", 5, 1, "hers");
            assertEquals(List.of("post+[5,1,\"hers\"]"), nextRows(client));
            call(db, ann, "take_seat", 2);
            assertEquals(List.of("post+[3,2,\"two\"]", "post+[4,2,\"not-hers\"]"), nextRows(client));
            call(db, ann, "leave_room", 1);
            assertEquals(List.of("post-[2,1,\"one\"]", "post-[5,1,\"hers\"]"), nextRows(client));
            call(db, bob, "leave_room", 2);
            client.silent();
            ok(db, "write_post", 3, 0, "two-for-all");
            assertEquals(List.of("post+[3,0,\"two-for-all\"]", "post-[3,2,\"two\"]"), nextRows(client));
        }
    }

    /** A guest without a row of his own learns nothing, whatever he asks. */
    @Test
    @Proves("sql.md 8")
    default void strangersSeeNothing() {
        try (TestDatabase db = Features.publish()) {
            User ann = Http.newUser();
            call(db, ann, "write_diary", "x");
            call(db, ann, "take_seat", 7);
            User eve = Http.newUser();
            for (String query : List.of("SELECT * FROM diary", "SELECT * FROM seat",
                    "SELECT * FROM seat WHERE room = 7 OR room = 8",
                    "SELECT diary.* FROM diary JOIN seat ON diary.owner = seat.who",
                    "SELECT seat.* FROM diary JOIN seat ON diary.owner = seat.who")) {
                assertEquals(List.of(), db.sql(eve, query), query);
                WsClient client = db.open(eve, Subprotocol.V2);
                client.query(1, query);
                String answer = client.next();
                assertEquals("rows 1 {}", answer, query);
                client.close();
            }
            assertEquals(1, db.sql(ann, "SELECT diary.* FROM diary JOIN seat ON diary.owner = seat.who").size());
            assertEquals(400, Http.send("POST", "database/" + db.name + "/sql", eve.token(),
                    "SELECT * FROM gate".getBytes()).statusCode());
        }
    }
}
