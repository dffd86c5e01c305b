package dev.geodesic.web.mcp;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonNull;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonWriter;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Answers the messages of one caller, without state between them: {@code initialize}, {@code ping}, {@code tools/list} and
 * {@code tools/call}. Thread-safe.
 */
public final class McpServer {

    private static final String PROTOCOL_VERSION = "2025-06-18";
    private static final String INSTRUCTIONS = """
            Databases as tools. get_schema shows tables and functions of a database, sql reads it, call runs one of its \
            functions, which is how data are usually changed. You act with your own identity and rights, as over HTTP.""";
    private static final String INSTRUCTIONS_OF_SERVER = """
            %s list_databases names the databases that you own; the other tools take a name or an identity as `database`."""
            .formatted(INSTRUCTIONS);
    private static final int PARSE_ERROR = -32_700;
    private static final int INVALID_REQUEST = -32_600;
    private static final int METHOD_NOT_FOUND = -32_601;
    private static final int INVALID_PARAMS = -32_602;
    /** Of one message: arguments of calls are values, too. */
    private static final int VALUES_MAX = 1_000_000;

    private final String version;
    private final boolean ofServer;
    private final ToolBackend backend;

    /**
     * @param version of this program
     * @param ofServer whether callers choose a database, or the route has
     */
    public McpServer(String version, boolean ofServer, ToolBackend backend) {
        this.version = version;
        this.ofServer = ofServer;
        this.backend = backend;
    }

    /** An error of the protocol, as opposed to a failure of a tool. */
    private static final class RpcException extends Exception {

        private static final long serialVersionUID = 1L;

        private final int code;

        RpcException(int code, String message) {
            super(message, null, false, false);
            this.code = code;
        }
    }

    /** The answer to a message; empty for notifications, which get none. */
    public CompletableFuture<Optional<JsonWriter>> handle(byte[] message) {
        JsonValue id = JsonNull.NULL;
        try {
            JsonObject request = request(message);
            Optional<JsonValue> given = request.get("id");
            if (given.isPresent()
                    && !(given.get() instanceof JsonValue.JsonString || given.get() instanceof JsonValue.JsonNumber)) {
                throw new RpcException(INVALID_REQUEST, "invalid request: `id` must be a string or a number");
            }
            id = given.orElse(JsonNull.NULL);
            String method = method(request);
            if (given.isEmpty()) {
                return CompletableFuture.completedFuture(Optional.empty());
            }
            JsonValue answered = id;
            return answer(method, params(request)).thenApply(result -> Optional.of(success(answered, result)));
        } catch (RpcException e) {
            return CompletableFuture.completedFuture(Optional.of(error(id, e)));
        }
    }

    private static JsonObject request(byte[] message) throws RpcException {
        try {
            if (Json.parse(message, 0, message.length, VALUES_MAX) instanceof JsonObject object) {
                return object;
            }
        } catch (BsatnException e) {
            throw new RpcException(PARSE_ERROR, "parse error: " + e.getMessage());
        }
        throw new RpcException(INVALID_REQUEST, "invalid request: expected one object");
    }

    private static String method(JsonObject request) throws RpcException {
        if (!(request.get("jsonrpc").orElse(null) instanceof JsonValue.JsonString(String rpc)) || !rpc.equals("2.0")) {
            throw new RpcException(INVALID_REQUEST, "invalid request: `jsonrpc` must be \"2.0\"");
        }
        if (request.get("method").orElse(null) instanceof JsonValue.JsonString(String method)) {
            return method;
        }
        throw new RpcException(INVALID_REQUEST, "invalid request: `method` must be a string");
    }

    private static JsonObject params(JsonObject request) throws RpcException {
        return object(request.get("params"), "params");
    }

    private static JsonObject object(Optional<JsonValue> value, String name) throws RpcException {
        return switch (value.orElse(JsonNull.NULL)) {
            case JsonObject object -> object;
            case JsonNull none -> JsonObject.EMPTY;
            default -> throw new RpcException(INVALID_PARAMS, "invalid params: `" + name + "` must be an object");
        };
    }

    private CompletableFuture<Consumer<JsonWriter>> answer(String method, JsonObject params) throws RpcException {
        return switch (method) {
            case "initialize" -> CompletableFuture.completedFuture(this::initialize);
            case "ping" -> CompletableFuture.completedFuture(json -> json.beginObject().endObject());
            case "tools/list" -> CompletableFuture.completedFuture(this::list);
            case "tools/call" -> run(params).thenApply(result -> json -> write(result, json));
            default -> throw new RpcException(METHOD_NOT_FOUND, "method not found: " + method);
        };
    }

    private void initialize(JsonWriter json) {
        json.beginObject().key("protocolVersion").string(PROTOCOL_VERSION)
                .key("capabilities").beginObject().key("tools").beginObject().endObject().endObject()
                .key("serverInfo").beginObject().key("name").string("geodesic").key("version").string(version).endObject()
                .key("instructions").string(ofServer ? INSTRUCTIONS_OF_SERVER : INSTRUCTIONS).endObject();
    }

    private void list(JsonWriter json) {
        json.beginObject().key("tools").beginArray();
        Tool.all(ofServer).forEach(tool -> tool.describe(json, ofServer));
        json.endArray().endObject();
    }

    // ---- tools ----

    private CompletableFuture<ToolResult> run(JsonObject params) throws RpcException {
        String name = text(params, "name");
        Tool tool = Tool.all(ofServer).stream().filter(one -> one.id().equals(name)).findFirst()
                .orElseThrow(() -> new RpcException(INVALID_PARAMS, "unknown tool: " + name));
        JsonObject arguments = object(params.get("arguments"), "arguments");
        String database = ofServer && tool.usesDatabase() ? text(arguments, "database") : null;
        return switch (tool) {
            case LIST_DATABASES -> backend.listDatabases();
            case PING -> CompletableFuture.completedFuture(new ToolResult(
                    arguments.get("message").isPresent() ? text(arguments, "message") : "pong", false));
            case GET_SCHEMA -> backend.schema(database);
            case SQL -> backend.sql(database, text(arguments, "sql"), flag(arguments, "confirmed"));
            case CALL -> backend.call(database, text(arguments, "reducer"), array(arguments, "args"));
        };
    }

    private static String text(JsonObject from, String name) throws RpcException {
        if (from.get(name).orElse(null) instanceof JsonValue.JsonString(String value)) {
            return value;
        }
        throw new RpcException(INVALID_PARAMS, "invalid params: `" + name + "` must be a string");
    }

    /** True unless given. */
    private static boolean flag(JsonObject from, String name) throws RpcException {
        return switch (from.get(name).orElse(JsonNull.NULL)) {
            case JsonNull none -> true;
            case JsonValue.JsonBool(boolean value) -> value;
            default -> throw new RpcException(INVALID_PARAMS, "invalid params: `" + name + "` must be true or false");
        };
    }

    private static String array(JsonObject from, String name) throws RpcException {
        return switch (from.get(name).orElse(JsonNull.NULL)) {
            case JsonNull none -> "[]";
            case JsonValue.JsonArray array -> new JsonWriter().write(array).toString();
            default -> throw new RpcException(INVALID_PARAMS, "invalid params: `" + name + "` must be an array");
        };
    }

    // ---- answers ----

    private static void write(ToolResult result, JsonWriter json) {
        json.beginObject().key("content").beginArray()
                .beginObject().key("type").string("text").key("text").string(result.text()).endObject()
                .endArray().key("isError").bool(result.isError()).endObject();
    }

    private static JsonWriter begin(JsonValue id) {
        return new JsonWriter().beginObject().key("jsonrpc").string("2.0").key("id").write(id);
    }

    private static JsonWriter success(JsonValue id, Consumer<JsonWriter> result) {
        JsonWriter json = begin(id).key("result");
        result.accept(json);
        return json.endObject();
    }

    private static JsonWriter error(JsonValue id, RpcException e) {
        return begin(id).key("error").beginObject().key("code").number(e.code).key("message").string(e.getMessage())
                .endObject().endObject();
    }
}
