package dev.geodesic.sats;

import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonBool;
import dev.geodesic.sats.JsonValue.JsonNull;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.JsonValue.Member;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A strict reader of RFC 8259 texts in UTF-8: no byte order mark, no comments, no lone surrogates, nothing behind the
 * value. Depth and number of values are limited, so the tree is bounded by a small multiple of the text.
 */
public final class Json {

    /** Levels of arrays and objects; enough for the JSON form of a type of {@link AlgebraicType#DEPTH_MAX} levels. */
    public static final int DEPTH_MAX = 4 * AlgebraicType.DEPTH_MAX + 16;

    /** Values in one text. */
    public static final int VALUES_MAX = 4_000_000;

    private final byte[] text;
    private final int limit;
    private int at;
    private int valuesLeft;

    private Json(byte[] text, int offset, int length, int valuesMax) {
        this.text = text;
        this.at = offset;
        this.limit = offset + length;
        this.valuesLeft = valuesMax;
    }

    /**
     * Reads one value and white space around it.
     *
     * @throws BsatnException BAD_JSON for malformed text, BAD_UTF8, TOO_DEEP, TOO_LARGE
     */
    public static JsonValue parse(byte[] text) {
        return parse(text, 0, text.length, VALUES_MAX);
    }

    public static JsonValue parse(String text) {
        return parse(text.getBytes(StandardCharsets.UTF_8));
    }

    /** As {@link #parse(byte[])}, of a part of an array and with a limit on the number of values. */
    public static JsonValue parse(byte[] text, int offset, int length, int valuesMax) {
        if (!Utf8.isValid(text, offset, offset + length)) {
            throw new BsatnException(BsatnException.Code.BAD_UTF8, "invalid utf8");
        }
        Json json = new Json(text, offset, length, valuesMax);
        JsonValue value = json.readValue(0);
        json.skipSpace();
        if (json.at < json.limit) {
            throw json.error("trailing characters");
        }
        return value;
    }

    private BsatnException error(String what) {
        int line = 1;
        int column = 1;
        for (int i = 0; i < Math.min(at, limit); i++) {
            if (text[i] == '\n') {
                line++;
                column = 1;
            } else if ((text[i] & 0xc0) != 0x80) {
                column++;
            }
        }
        return BsatnException.badJson(what + " at line " + line + " column " + column);
    }

    private void skipSpace() {
        while (at < limit && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
            at++;
        }
    }

    /** The next byte that is no white space, still to be taken. */
    private int peek() {
        skipSpace();
        if (at >= limit) {
            throw error("unexpected end of JSON text");
        }
        return text[at];
    }

    private JsonValue readValue(int depth) {
        if (--valuesLeft < 0) {
            throw new BsatnException(BsatnException.Code.TOO_LARGE, "JSON text has too many values");
        }
        int c = peek();
        return switch (c) {
            case '{' -> readObject(depth + 1);
            case '[' -> readArray(depth + 1);
            case '"' -> new JsonString(readString());
            case 't' -> readWord("true", JsonBool.TRUE);
            case 'f' -> readWord("false", JsonBool.FALSE);
            case 'n' -> readWord("null", JsonNull.NULL);
            default -> {
                if (c != '-' && (c < '0' || c > '9')) {
                    throw error("expected value");
                }
                yield readNumber();
            }
        };
    }

    private void enter(int depth) {
        if (depth > DEPTH_MAX) {
            throw new BsatnException(BsatnException.Code.TOO_DEEP, "JSON text has more than " + DEPTH_MAX + " levels");
        }
        at++;
    }

    private JsonValue readArray(int depth) {
        enter(depth);
        if (peek() == ']') {
            at++;
            return JsonArray.EMPTY;
        }
        List<JsonValue> items = new ArrayList<>();
        while (true) {
            items.add(readValue(depth));
            int c = peek();
            if (c != ',' && c != ']') {
                throw error("expected `,` or `]`");
            }
            at++;
            if (c == ']') {
                return new JsonArray(items);
            }
        }
    }

    private JsonValue readObject(int depth) {
        enter(depth);
        if (peek() == '}') {
            at++;
            return JsonObject.EMPTY;
        }
        List<Member> members = new ArrayList<>();
        while (true) {
            if (peek() != '"') {
                throw error("key must be a string");
            }
            String name = readString();
            if (peek() != ':') {
                throw error("expected `:`");
            }
            at++;
            members.add(new Member(name, readValue(depth)));
            int c = peek();
            if (c != ',' && c != '}') {
                throw error("expected `,` or `}`");
            }
            at++;
            if (c == '}') {
                return new JsonObject(members);
            }
        }
    }

    private JsonValue readWord(String word, JsonValue value) {
        for (int i = 0; i < word.length(); i++) {
            if (at >= limit || text[at] != word.charAt(i)) {
                throw error("expected `" + word + "`");
            }
            at++;
        }
        return value;
    }

    private JsonValue readNumber() {
        int from = at;
        if (text[at] == '-') {
            at++;
        }
        if (at < limit && text[at] == '0') {
            at++;
        } else {
            readDigits();
        }
        if (at < limit && text[at] == '.') {
            at++;
            readDigits();
        }
        if (at < limit && (text[at] == 'e' || text[at] == 'E')) {
            at++;
            if (at < limit && (text[at] == '+' || text[at] == '-')) {
                at++;
            }
            readDigits();
        }
        if (at < limit && text[at] >= '0' && text[at] <= '9') {
            throw error("invalid number");
        }
        return new JsonNumber(new String(text, from, at - from, StandardCharsets.ISO_8859_1));
    }

    private void readDigits() {
        int from = at;
        while (at < limit && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        if (at == from) {
            throw error("invalid number");
        }
    }

    private String readString() {
        at++;
        int from = at;
        while (at < limit && text[at] != '"' && text[at] != '\\' && (text[at] < 0 || text[at] >= 0x20)) {
            at++;
        }
        if (at < limit && text[at] == '"') {
            return new String(text, from, at++ - from, StandardCharsets.UTF_8);
        }
        return readEscapedString(from);
    }

    private String readEscapedString(int from) {
        StringBuilder out = new StringBuilder();
        int plainFrom = from;
        while (true) {
            if (at >= limit) {
                throw error("unexpected end of string");
            }
            int c = text[at];
            if (c >= 0 && c < 0x20) {
                throw error("control character in string");
            }
            if (c != '"' && c != '\\') {
                at++;
                continue;
            }
            out.append(new String(text, plainFrom, at - plainFrom, StandardCharsets.UTF_8));
            at++;
            if (c == '"') {
                return out.toString();
            }
            readEscape(out);
            plainFrom = at;
        }
    }

    private void readEscape(StringBuilder out) {
        int c = at < limit ? text[at++] : -1;
        switch (c) {
            case '"', '\\', '/' -> out.append((char) c);
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'n' -> out.append('\n');
            case 'r' -> out.append('\r');
            case 't' -> out.append('\t');
            case 'u' -> {
                char first = readHex4();
                out.append(first);
                if (Character.isLowSurrogate(first)) {
                    throw error("lone surrogate");
                }
                if (Character.isHighSurrogate(first)) {
                    if (at + 1 >= limit || text[at] != '\\' || text[at + 1] != 'u') {
                        throw error("lone surrogate");
                    }
                    at += 2;
                    char second = readHex4();
                    if (!Character.isLowSurrogate(second)) {
                        throw error("lone surrogate");
                    }
                    out.append(second);
                }
            }
            default -> throw error("invalid escape");
        }
    }

    private char readHex4() {
        if (limit - at < 4) {
            throw error("invalid escape");
        }
        int v = 0;
        for (int i = 0; i < 4; i++) {
            int digit = HexDigits.value(text[at++]);
            if (digit < 0) {
                throw error("invalid escape");
            }
            v = v << 4 | digit;
        }
        return (char) v;
    }
}
