package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.net.http.HttpRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Databases as tools of agents. */
@Proves("http-api.md 7")
@Proves("http-api.md 9")
interface McpTests {

    private static Answer post(Http http, String path, Caller caller, String body) throws Exception {
        return http.send(Http.request("POST", path, caller, HttpRequest.BodyPublishers.ofString(body))
                .header("Content-Type", "application/json"));
    }

    private static JsonObject result(Http http, String path, Caller caller, String tool, String arguments) throws Exception {
        Answer answer = post(http, path, caller,
                "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool
                        + "\",\"arguments\":" + arguments + "}}");
        assertEquals(200, answer.status(), answer::body);
        assertEquals("application/json", answer.header("content-type"));
        assertEquals("q", answer.json().getString("id"));
        return answer.json().getJsonObject("result");
    }

    private static String said(boolean isError, JsonObject result) {
        assertEquals(isError, result.getBoolean("isError"), result::toString);
        JsonObject content = result.getJsonArray("content").getJsonObject(0);
        assertEquals("text", content.getString("type"));
        return content.getString("text");
    }

    @Test
    default void toolsDoWhatTheRoutesDo() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String identity = http.send("GET", "/v1/database/" + name + "/identity", null).body();
            String path = "/v1/database/" + name + "/mcp";
            assertEquals("[{\"database_identity\":\"" + identity + "\",\"names\":[\"" + name + "\"]}]",
                    said(false, result(http, "/v1/mcp", owner, "list_databases", "{}")));
            assertEquals("[]", said(false, result(http, "/v1/mcp", null, "list_databases", "{}")));
            String call = "{\"reducer\":\"add_member\",\"args\":[1, 1, \"ann\", true]";
            assertEquals("committed", said(false, result(http, path, owner, "call", call + "}")));
            // The same row again is no other.
            said(false, result(http, "/v1/mcp", owner, "call", call + ",\"database\":\"" + name + "\"}"));
            for (String database : List.of(name, identity)) {
                String rows = said(false, result(http, "/v1/mcp", null, "sql",
                        "{\"database\":\"" + database + "\",\"sql\":\"SELECT * FROM member\"}"));
                assertEquals("[[1,1,\"ann\",true]]", Json.createReader(new StringReader(rows)).readArray().getJsonObject(0)
                        .getJsonArray("rows").toString());
            }
            String schema = said(false, result(http, path, null, "get_schema", "{}"));
            assertEquals(http.send("GET", "/v1/database/" + name + "/schema?version=9", null).body(), schema);
            assertEquals("here", said(false, result(http, path, null, "ping", "{\"message\":\"here\"}")));
        }
    }

    /** The rights are those of the caller, and what fails is told without a broken request. */
    @Test
    default void toolsFailAsTheRoutesFail() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String path = "/v1/database/" + name + "/mcp";
            String secret = said(true, result(http, path, null, "sql", "{\"sql\":\"SELECT * FROM secret\"}"));
            assertTrue(secret.startsWith("no such table: `secret`"), secret);
            said(false, result(http, path, owner, "sql", "{\"sql\":\"SELECT * FROM secret\"}"));
            assertTrue(said(true, result(http, path, http.newCaller(), "sql", "{\"sql\":\"DELETE FROM team\"}"))
                    .contains("is not authorized to run SQL DML statements"));
            assertEquals("as asked",
                    said(true, result(http, path, null, "call", "{\"reducer\":\"fail\",\"args\":[\"as asked\"]}")));
            assertEquals("no such reducer", said(true, result(http, path, null, "call", "{\"reducer\":\"nope\"}")));
            assertTrue(said(true, result(http, path, null, "call", "{\"reducer\":\"fail\"}"))
                    .startsWith("invalid arguments for"));
            assertEquals("`no-such-db` not found",
                    said(true, result(http, "/v1/mcp", null, "get_schema", "{\"database\":\"no-such-db\"}")));
            Answer nowhere = post(http, "/v1/database/no-such-db/mcp", null, "{}");
            assertEquals("404 `no-such-db` not found", nowhere.status() + " " + nowhere.body());
        }
    }

    @Test
    default void notificationsAreAcceptedAndErrorsNumbered() throws Exception {
        try (Http http = new Http()) {
            Caller caller = http.newCaller();
            Answer accepted = post(http, "/v1/mcp", caller, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
            assertEquals("202 ", accepted.status() + " " + accepted.body());
            assertEquals(caller.identity(), accepted.header("spacetime-identity"));
            assertEquals(caller.token(), accepted.header("spacetime-identity-token"));
            Answer anonymous = post(http, "/v1/mcp", null, "[]");
            assertEquals(-32600, anonymous.json().getJsonObject("error").getInt("code"));
            assertFalse(anonymous.header("spacetime-identity-token").isEmpty());
            assertEquals(-32700, post(http, "/v1/mcp", null, "{").json().getJsonObject("error").getInt("code"));
            assertEquals(-32602, post(http, "/v1/mcp", null,
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"sql\"}}")
                    .json().getJsonObject("error").getInt("code"));
            Answer asked = http.send("GET", "/v1/mcp", caller);
            assertEquals("405 POST", asked.status() + " " + asked.header("allow"));
        }
    }
}
