package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import org.junit.jupiter.api.Test;

/** Snapshots over HTTP, and what the server tells about them. */
interface SnapshotTests {

    private static JsonObject json(Answer answer) {
        assertEquals(200, answer.status(), answer.body());
        assertEquals("application/json", answer.header("content-type"));
        return Json.createReader(new StringReader(answer.body())).readObject();
    }

    @Test
    default void anOwnerTakesASnapshotAndSeesWhatIsKept() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String path = "/v1/database/" + name + "/snapshots";
            JsonObject before = json(http.send("GET", path, owner));
            assertEquals(0, before.getJsonArray("snapshots").size());
            assertEquals(0, before.getJsonObject("restorable").getInt("from_offset"));
            JsonObject taken = json(http.send("POST", path, owner));
            int offset = taken.getInt("offset");
            assertTrue(offset > 0 && taken.getJsonNumber("bytes").longValue() > 1_000, taken::toString);
            assertTrue(taken.getJsonNumber("commit_micros").longValue() > 1_700_000_000_000_000L, taken::toString);
            JsonObject after = json(http.send("GET", path, owner));
            assertEquals(taken, after.getJsonArray("snapshots").getJsonObject(0));
            JsonObject segment = after.getJsonArray("segments").getJsonObject(0);
            assertEquals(0, segment.getInt("offset"));
            assertTrue(segment.getInt("next_offset") >= offset && segment.getBoolean("open"), segment::toString);
            assertTrue(after.getJsonObject("restorable").getInt("until_offset") >= offset, after::toString);
            String metrics = http.send("GET", "/v1/metrics", null).body();
            String identity = http.send("GET", "/v1/database/" + name + "/identity", null).body();
            assertTrue(metrics.contains("geodesic_snapshot_offset{database=\"" + identity + "\"} "), metrics);
            assertTrue(metrics.contains("geodesic_snapshot_failures{database=\"control\"} 0\n"), metrics);
        }
    }
}
