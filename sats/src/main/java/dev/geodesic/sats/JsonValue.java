package dev.geodesic.sats;

import java.util.List;
import java.util.Optional;

/** JSON text as an immutable tree. Objects keep their members in order and with duplicates; numbers keep their text. */
public sealed interface JsonValue {

    record JsonNull() implements JsonValue {
        public static final JsonNull NULL = new JsonNull();
    }

    record JsonBool(boolean value) implements JsonValue {
        public static final JsonBool TRUE = new JsonBool(true);
        public static final JsonBool FALSE = new JsonBool(false);
    }

    /** A number as written, for example {@code -1.5e3}; RFC 8259 grammar. */
    record JsonNumber(String text) implements JsonValue {
        /** Whether it is written without fraction and exponent. */
        public boolean isInteger() {
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '.' || c == 'e' || c == 'E') {
                    return false;
                }
            }
            return true;
        }
    }

    record JsonString(String value) implements JsonValue {
    }

    record JsonArray(List<JsonValue> items) implements JsonValue {
        public static final JsonArray EMPTY = new JsonArray(List.of());

        public JsonArray {
            items = List.copyOf(items);
        }
    }

    record JsonObject(List<Member> members) implements JsonValue {
        public static final JsonObject EMPTY = new JsonObject(List.of());

        public JsonObject {
            members = List.copyOf(members);
        }

        /** The first member of that name. */
        public Optional<JsonValue> get(String name) {
            for (Member member : members) {
                if (member.name().equals(name)) {
                    return Optional.of(member.value());
                }
            }
            return Optional.empty();
        }
    }

    /** One name and value of an object. */
    record Member(String name, JsonValue value) {
    }

    /** What this is, for messages: null, boolean, number, string, array or object. */
    default String kind() {
        return switch (this) {
            case JsonNull n -> "null";
            case JsonBool b -> "boolean";
            case JsonNumber n -> "number";
            case JsonString s -> "string";
            case JsonArray a -> "array";
            case JsonObject o -> "object";
        };
    }
}
