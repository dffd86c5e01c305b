package dev.geodesic.protocol;

import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A recorded scenario: {@code golden/ws/*.jsonl}, with made-up values in the place of those that differ from run to run. */
final class Scenario {

    static final List<String> FILES = List.of(
            "ws-v1-json.jsonl", "ws-v1-json-module9.jsonl", "ws-v1-bsatn.jsonl", "ws-v1-bsatn-module9.jsonl", "ws-v2.jsonl",
            "ws-v3.jsonl");

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([a-zA-Z_]+)(:le|:decimal)?}}");
    private static final long TIMESTAMP = 1_700_000_000_123_456L;
    private static final long MICROS = 4_321;
    private static final long ENERGY = 987_654_321_000L;
    private static final String TOKEN = "header.claims.signature";

    /** One line of a file. */
    record Event(String file, int line, JsonValue.JsonObject json) {

        Optional<String> string(String key) {
            return json.get(key).map(v -> v instanceof JsonValue.JsonString s ? s.value() : null);
        }

        boolean is(String key, String value) {
            return string(key).filter(value::equals).isPresent();
        }

        boolean isOf(Event other) {
            return string("conn").equals(other.string("conn"));
        }

        int number(String key) {
            return Integer.parseInt(((JsonValue.JsonNumber) json.get(key).orElseThrow()).text());
        }

        /** The bytes of the message without a compression tag. */
        byte[] bytes() {
            return HexFormat.of().parseHex(fill(string("hex").orElseThrow(), this::binary));
        }

        String text() {
            return fill(string("text").orElseThrow(), this::textual);
        }

        /** What {@link Rendering} has to give. */
        JsonValue decoded() {
            String text = new JsonWriter().write(json.get("decoded").orElseThrow()).toString();
            text = text.replace("\"{{timestamp}}\"", "" + TIMESTAMP)
                    .replace("\"{{micros}}\"", "" + MICROS)
                    .replace("\"{{energy}}\"", "" + ENERGY);
            return Json.parse(fill(text, this::textual));
        }

        /** The one placeholder whose kind only its place tells: the database's identity, or a connection id. */
        private boolean unknownIsIdentity() {
            return json.get("decoded")
                    .map(v -> new JsonWriter().write(v).toString().contains("\"caller_identity\":\"{{unknown}}\""))
                    .orElse(false);
        }

        private String textual(String name, String suffix) {
            return switch (name) {
                case "timestamp" -> "" + TIMESTAMP;
                case "micros" -> "" + MICROS;
                case "energy" -> "" + ENERGY;
                case "token", "token_string" -> TOKEN;
                case "backtrace" -> "wasm backtrace:\\n  0: boom";
                default -> id(name, suffix);
            };
        }

        private String binary(String name, String suffix) {
            BsatnWriter out = new BsatnWriter();
            switch (name) {
                case "timestamp" -> out.writeU64(TIMESTAMP);
                case "micros" -> out.writeU64(MICROS);
                case "energy" -> out.writeU128(ENERGY, 0);
                case "token_string" -> out.writeString(TOKEN);
                case "string" -> out.writeString(errorText(decoded()).orElseThrow());
                default -> {
                    return id(name, suffix);
                }
            }
            return HexFormat.of().formatHex(out.toByteArray());
        }

        private static Optional<String> errorText(JsonValue value) {
            return switch (value) {
                case JsonValue.JsonObject o -> o.members().stream()
                        .map(m -> List.of("error", "InternalError", "Failed").contains(m.name())
                                        && m.value() instanceof JsonValue.JsonString s
                                ? Optional.of(s.value())
                                : errorText(m.value()))
                        .flatMap(Optional::stream)
                        .findFirst();
                case JsonValue.JsonArray a -> a.items().stream().map(Event::errorText).flatMap(Optional::stream).findFirst();
                default -> Optional.empty();
            };
        }

        private String id(String name, String suffix) {
            boolean identity = name.equals("owner") || name.equals("other")
                    || name.equals("unknown") && unknownIsIdentity();
            if (!identity && !name.startsWith("conn_") && !name.equals("unknown")) {
                throw new AssertionError("placeholder " + name);
            }
            byte last = (byte) name.charAt(name.length() - 1);
            String hex = (identity ? "c200" : "0ddb") + "01020304050607080910111213".substring(0, 26)
                    + HexFormat.of().toHexDigits(last) + (identity ? "ab".repeat(32) : "").substring(0, identity ? 32 : 0);
            hex = identity ? hex.substring(0, 64) : hex.substring(0, 32);
            byte[] littleEndian = new byte[hex.length() / 2];
            if (identity) {
                Identity.fromHex(hex).toLittleEndian(littleEndian, 0);
            } else {
                ConnectionId.fromHex(hex).toLittleEndian(littleEndian, 0);
            }
            return switch (suffix) {
                case ":le" -> HexFormat.of().formatHex(littleEndian);
                case ":decimal" -> new BigInteger(hex, 16).toString();
                default -> hex;
            };
        }

        @Override
        public String toString() {
            return file + " line " + line + " " + string("label").orElse("");
        }
    }

    private interface Filling {
        String of(String name, String suffix);
    }

    private static String fill(String text, Filling filling) {
        Function<MatchResult, String> replacement =
                m -> Matcher.quoteReplacement(filling.of(m.group(1), m.group(2) == null ? "" : m.group(2)));
        return PLACEHOLDER.matcher(text).replaceAll(replacement);
    }

    private Scenario() {
    }

    static List<Event> read(String file) {
        try (InputStream in = Scenario.class.getResourceAsStream("/golden/ws/" + file)) {
            List<Event> events = new ArrayList<>();
            int line = 0;
            for (String text : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                events.add(new Event(file, ++line, (JsonValue.JsonObject) Json.parse(text)));
            }
            return events;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Subprotocol subprotocol(String file) {
        return file.startsWith("ws-v3") ? Subprotocol.V3
                : file.startsWith("ws-v2") ? Subprotocol.V2
                : file.startsWith("ws-v1-bsatn") ? Subprotocol.V1_BSATN
                : Subprotocol.V1_JSON;
    }
}
