package dev.geodesic.web.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.sats.JsonWriter;
import dev.geodesic.testkit.Seeds;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class McpServerTest {

    /** Says what it was asked. */
    private static final ToolBackend ECHO = new ToolBackend() {

        @Override
        public CompletableFuture<ToolResult> listDatabases() {
            return done("list");
        }

        @Override
        public CompletableFuture<ToolResult> schema(String database) {
            return done("schema " + database);
        }

        @Override
        public CompletableFuture<ToolResult> sql(String database, String statement, boolean confirmed) {
            return done("sql " + database + " " + statement + " " + confirmed);
        }

        @Override
        public CompletableFuture<ToolResult> call(String database, String function, String arguments) {
            return CompletableFuture.completedFuture(
                    new ToolResult("call " + database + " " + function + " " + arguments, true));
        }

        private CompletableFuture<ToolResult> done(String text) {
            return CompletableFuture.completedFuture(new ToolResult(text, false));
        }
    };

    private static Optional<String> handle(boolean ofServer, String message) {
        return new McpServer("1.2", ofServer, ECHO).handle(message.getBytes(StandardCharsets.UTF_8)).join()
                .map(JsonWriter::toString);
    }

    private static String request(String id, String method, String params) {
        return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + params + "}";
    }

    private static void refused(String id, int code, String text, String message) {
        assertEquals("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"error\":{\"code\":" + code + ",\"message\":\"" + text + "\"}}",
                handle(true, message).orElseThrow());
    }

    @Test
    void introducesItself() {
        String answer = handle(true, request("1", "initialize", "{\"protocolVersion\":\"1999-01-01\"}")).orElseThrow();
        assertTrue(answer.startsWith("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\","
                + "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"geodesic\",\"version\":\"1.2\"},"
                + "\"instructions\":\""),
                answer);
        assertEquals("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}",
                handle(true, request("\"a\"", "ping", "null")).orElseThrow());
    }

    @Test
    void describesItsTools() {
        String ofServer = handle(true, request("2", "tools/list", "{}")).orElseThrow();
        assertTrue(ofServer.startsWith(
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"list_databases\","), ofServer);
        assertEquals(6, ofServer.split("\"inputSchema\":\\{\"type\":\"object\"").length);
        assertTrue(ofServer.contains("\"required\":[\"sql\",\"database\"]"), ofServer);
        String ofDatabase = handle(false, request("2", "tools/list", "{}")).orElseThrow();
        assertEquals(5, ofDatabase.split("\"inputSchema\":\\{\"type\":\"object\"").length);
        assertFalse(ofDatabase.contains("list_databases"), ofDatabase);
        assertFalse(ofDatabase.contains("\"database\""), ofDatabase);
    }

    private static String result(boolean ofServer, String params) {
        String answer = handle(ofServer, request("7", "tools/call", params)).orElseThrow();
        String start = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"";
        assertTrue(answer.startsWith(start), answer);
        return answer.substring(start.length());
    }

    @Test
    void runsTools() {
        assertEquals("pong\"}],\"isError\":false}}", result(true, "{\"name\":\"ping\"}"));
        assertEquals("hi\"}],\"isError\":false}}", result(true, "{\"name\":\"ping\",\"arguments\":{\"message\":\"hi\"}}"));
        assertEquals("list\"}],\"isError\":false}}", result(true, "{\"name\":\"list_databases\",\"arguments\":{}}"));
        assertEquals("schema db\"}],\"isError\":false}}",
                result(true, "{\"name\":\"get_schema\",\"arguments\":{\"database\":\"db\"}}"));
        assertEquals("schema null\"}],\"isError\":false}}", result(false, "{\"name\":\"get_schema\"}"));
        assertEquals("sql db SELECT 1 true\"}],\"isError\":false}}",
                result(true, "{\"name\":\"sql\",\"arguments\":{\"database\":\"db\",\"sql\":\"SELECT 1\"}}"));
        assertEquals("sql null S false\"}],\"isError\":false}}",
                result(false, "{\"name\":\"sql\",\"arguments\":{\"sql\":\"S\",\"confirmed\":false}}"));
        assertEquals("call null f [18446744073709551615,1.50]\"}],\"isError\":true}}",
                result(false, "{\"name\":\"call\",\"arguments\":{\"reducer\":\"f\",\"args\":[18446744073709551615,1.50]}}"));
        assertEquals("call null f []\"}],\"isError\":true}}",
                result(false, "{\"name\":\"call\",\"arguments\":{\"reducer\":\"f\"}}"));
    }

    @Test
    void refusesWhatItCannotDo() {
        refused("3", -32_601, "method not found: x", "{\"jsonrpc\": \"2.0\", \"id\": 3, \"method\": \"x\"}");
        refused("null", -32_600, "invalid request: expected one object", "[]");
        refused("4", -32_600, "invalid request: `jsonrpc` must be \\\"2.0\\\"", "{\"id\":4,\"method\":\"ping\"}");
        refused("4", -32_600, "invalid request: `method` must be a string", "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":1}");
        refused("null", -32_600, "invalid request: `id` must be a string or a number", request("{}", "ping", "{}"));
        refused("5", -32_602, "invalid params: `params` must be an object", request("5", "tools/call", "[]"));
        refused("5", -32_602, "invalid params: `name` must be a string", request("5", "tools/call", "{}"));
        refused("5", -32_602, "unknown tool: drop", request("5", "tools/call", "{\"name\":\"drop\"}"));
        refused("5", -32_602, "invalid params: `database` must be a string", request("5", "tools/call", "{\"name\":\"sql\"}"));
        refused("5", -32_602, "invalid params: `args` must be an array",
                request("5", "tools/call",
                        "{\"name\":\"call\",\"arguments\":{\"database\":\"d\",\"reducer\":\"r\",\"args\":{}}}"));
        refused("5", -32_602, "invalid params: `confirmed` must be true or false",
                request("5", "tools/call",
                        "{\"name\":\"sql\",\"arguments\":{\"database\":\"d\",\"sql\":\"r\",\"confirmed\":1}}"));
    }

    /** Notifications are not answered, whatever they are. */
    @ParameterizedTest
    @ValueSource(strings = {"notifications/initialized", "ping", "x", "tools/call"})
    void keepsSilentAboutNotifications(String method) {
        assertEquals(Optional.empty(), handle(true, "{\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\"}"));
    }

    @Test
    void survivesEveryMessage() {
        String good = request(
                "5", "tools/call", "{\"name\":\"call\",\"arguments\":{\"database\":\"d\",\"reducer\":\"r\",\"args\":[1]}}");
        Seeds.repeat(2_000, random -> {
            byte[] bad = good.getBytes(StandardCharsets.UTF_8);
            for (int i = random.nextInt(4); i >= 0; i--) {
                bad[random.nextInt(bad.length)] = (byte) "{}[]\",:0e\\nul\0ÿ".charAt(random.nextInt(14));
            }
            Optional<JsonWriter> answer = new McpServer("1", true, ECHO).handle(bad).join();
            answer.ifPresent(json -> assertTrue(json.toString().startsWith("{\"jsonrpc\":\"2.0\",\"id\":"), json::toString));
        });
        refused("null", -32_700, "parse error: unexpected end of JSON text at line 1 column 1", "");
    }
}
