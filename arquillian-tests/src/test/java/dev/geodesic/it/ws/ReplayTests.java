package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.ServerDecoder;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.ServerMessage.InitialConnection;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The recorded scenarios (protocol's {@code golden/ws}), step by step with the modules that they were recorded with. Answers are
 * compared without times, tokens, numbers of tables and reducers, and the order of rows.
 */
interface ReplayTests {

    /** Steps that are not made, by label or query, and why. */
    Map<String, String> LEFT_OUT = Map.of("unknown extra field", "the recorded text is garbled, ours is not");

    Path DIRECTORY = Path.of("../protocol/src/test/resources/golden/ws");

    @Test
    @Proves("websocket.md 5.1")
    @Proves("websocket.md 5.2")
    @Proves("websocket.md 5.3")
    default void recordedV1Json() throws IOException {
        new Replay("ws-v1-json.jsonl", Subprotocol.V1_JSON, TestDatabase.GOLDEN_10).run();
    }

    @Test
    @Proves("websocket.md 5.4")
    default void recordedV1JsonOfDefinition9() throws IOException {
        new Replay("ws-v1-json-module9.jsonl", Subprotocol.V1_JSON, TestDatabase.GOLDEN_9).run();
    }

    @Test
    @Proves("websocket.md 5.2")
    @Proves("websocket.md 5.3")
    default void recordedV1Bsatn() throws IOException {
        new Replay("ws-v1-bsatn.jsonl", Subprotocol.V1_BSATN, TestDatabase.GOLDEN_10).run();
    }

    @Test
    @Proves("websocket.md 5.4")
    default void recordedV1BsatnOfDefinition9() throws IOException {
        new Replay("ws-v1-bsatn-module9.jsonl", Subprotocol.V1_BSATN, TestDatabase.GOLDEN_9).run();
    }

    @Test
    @Proves("websocket.md 6.1")
    @Proves("websocket.md 6.2")
    @Proves("websocket.md 6.3")
    default void recordedV2() throws IOException {
        new Replay("ws-v2.jsonl", Subprotocol.V2, TestDatabase.GOLDEN_10).run();
    }

    @Test
    @Proves("websocket.md 7")
    default void recordedV3() throws IOException {
        new Replay("ws-v3.jsonl", Subprotocol.V3, TestDatabase.GOLDEN_10).run();
    }

    /** One file against one database. */
    final class Replay {

        private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([a-zA-Z_]+)(:le|:decimal)?}}");

        private final String file;
        private final Subprotocol subprotocol;
        private final Path module;
        private final User other = Http.newUser();
        private final Map<String, WsClient> clients = new HashMap<>();
        private TestDatabase db;
        private int compared;
        private String step;

        Replay(String file, Subprotocol subprotocol, Path module) {
            this.file = file;
            this.subprotocol = subprotocol;
            this.module = module;
        }

        void run() throws IOException {
            List<String> lines = Files.readAllLines(DIRECTORY.resolve(file));
            try (TestDatabase published = TestDatabase.publish(module)) {
                db = published;
                boolean leftOut = false;
                for (int i = 1; i < lines.size(); i++) {
                    JsonObject event = (JsonObject) Json.parse(lines.get(i));
                    boolean isAnswer = event.get("dir").isPresent() && is(event, "dir", "in");
                    if (!isAnswer && !is(event, "event", "closed")) {
                        step = file + " line " + (i + 1) + " " + string(event, "label").orElse("");
                        leftOut = LEFT_OUT.containsKey(string(event, "label").orElse(""));
                        if (!leftOut) {
                            act(event);
                        }
                    } else if (!leftOut) {
                        compare(event, isAnswer);
                    }
                }
                clients.values().stream().filter(WsClient::isOpen).forEach(WsClient::silent);
            }
            assertTrue(compared > 25, file + ": only " + compared + " answers compared");
        }

        private void act(JsonObject event) {
            if (is(event, "dir", "out")) {
                client(event).send(payload(event, "hex"));
                return;
            }
            switch (string(event, "event").orElseThrow()) {
                case "open" -> {
                    User user = is(event, "caller", "owner") ? db.owner : other;
                    String[] query = ((JsonObject) event.get("query").orElseThrow()).members().stream()
                            .map(m -> m.name() + "=" + ((JsonValue.JsonString) m.value()).value()).toArray(String[]::new);
                    WsClient client = db.enter(db.upgrade(subprotocol).token(user.token()).query(query));
                    clients.put(string(event, "conn").orElseThrow(), client);
                }
                case "http call" -> db.call(string(event, "function").orElseThrow(),
                        new JsonWriter().write(event.get("args").orElseThrow()).toString());
                case "http sql" -> db.sql(string(event, "query").orElseThrow());
                case "publish with clear" -> db.clear(module);
                default -> throw new AssertionError(step);
            }
        }

        private WsClient client(JsonObject event) {
            return clients.get(string(event, "conn").orElseThrow());
        }

        private void compare(JsonObject event, boolean isAnswer) {
            WsClient client = client(event);
            if (!isAnswer) {
                // Where the recorded server just drops the connection, ours says why.
                String expected = event.get("code").orElseThrow() instanceof JsonValue.JsonNull ? "1011 "
                        : ((JsonValue.JsonNumber) event.get("code").orElseThrow()).text() + " "
                                + string(event, "reason").orElseThrow();
                String end = client.end();
                assertTrue(expected.equals("1011 ") ? end.startsWith(expected) : end.equals(expected), step + ": " + end);
                return;
            }
            if (client.isNew()) {
                InitialConnection hello = client.hello();
                assertEquals(client.handshake.header("spacetime-identity"), hello.identity().toHex(), step);
                return;
            }
            for (ServerMessage message : new ServerDecoder(subprotocol).decode(tagged(payload(event, "hex")))) {
                assertEquals(show(message, client), show(client.nextMessage(), client), step);
                compared++;
            }
        }

        private static String show(ServerMessage message, WsClient client) {
            // Causes are in our own words.
            return new Show(client.hello(), Set.of(), true).text(message)
                    .replaceFirst("(?s)((?:invalid arguments for \\w+ \\w+|encountered a fatal error): ).*", "$1");
        }

        // ---- placeholders ----

        private Frame tagged(Frame frame) {
            if (frame.isText()) {
                return frame;
            }
            byte[] bytes = new byte[frame.length() + 1];
            System.arraycopy(frame.bytes(), 0, bytes, 1, frame.length());
            return Frame.binary(bytes);
        }

        private Frame payload(JsonObject event, String key) {
            return string(event, "text").map(text -> Frame.text(fill(text, event, false).getBytes(StandardCharsets.UTF_8)))
                    .orElseGet(() -> Frame.binary(
                            HexFormat.of().parseHex(fill(string(event, key).orElseThrow(), event, true))));
        }

        private String fill(String text, JsonObject event, boolean hex) {
            return PLACEHOLDER.matcher(text).replaceAll(m -> Matcher.quoteReplacement(
                    value(m.group(1), Optional.ofNullable(m.group(2)).orElse(""), event, hex)));
        }

        private String value(String name, String suffix, JsonObject event, boolean hex) {
            return switch (name) {
                case "timestamp", "micros" -> hex ? "00".repeat(8) : "0";
                case "energy" -> hex ? "00".repeat(16) : "0";
                case "token", "backtrace" -> "";
                case "token_string" -> hex(w -> w.writeString("token"));
                case "string" -> hex(w -> w.writeString(fill(errorText(event.get("decoded").orElseThrow()), event, false)));
                case "owner" -> identity(db.owner.identity(), suffix);
                case "other" -> identity(other.identity(), suffix);
                // The database itself called, or a passing HTTP request.
                case "unknown" -> new JsonWriter().write(event.get("decoded").orElseThrow()).toString()
                        .contains("\"caller_identity\":\"{{unknown}}\"") ? identity(db.identity, suffix) : "00".repeat(16);
                default -> connection(clients.get(name.substring("conn_".length())).hello().connectionId(), suffix);
            };
        }

        private static String hex(Consumer<BsatnWriter> content) {
            BsatnWriter out = new BsatnWriter();
            content.accept(out);
            return HexFormat.of().formatHex(Arrays.copyOf(out.buffer(), out.length()));
        }

        private static String identity(String hex, String suffix) {
            return suffix.equals(":le") ? hex(w -> w.writeIdentity(Identity.fromHex(hex))) : hex;
        }

        private static String connection(ConnectionId id, String suffix) {
            return switch (suffix) {
                case ":le" -> hex(w -> w.writeConnectionId(id));
                case ":decimal" -> new BigInteger(id.toHex(), 16).toString();
                default -> id.toHex();
            };
        }

        private static String errorText(JsonValue value) {
            List<JsonValue> parts = new ArrayList<>();
            if (value instanceof JsonObject object) {
                Optional<String> text = string(object, "error").or(() -> string(object, "InternalError"));
                if (text.isPresent()) {
                    return text.get();
                }
                object.members().forEach(m -> parts.add(m.value()));
            } else if (value instanceof JsonValue.JsonArray array) {
                parts.addAll(array.items());
            }
            return parts.stream().map(Replay::errorText).filter(t -> !t.isEmpty()).findFirst().orElse("");
        }

        private static Optional<String> string(JsonObject object, String name) {
            return object.get(name).map(v -> v instanceof JsonValue.JsonString s ? s.value() : null);
        }

        private static boolean is(JsonObject object, String name, String value) {
            return string(object, name).filter(value::equals).isPresent();
        }
    }
}
