package dev.geodesic.protocol.wire;

import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Pulls values of known shape out of JSON text. It never skips what it does not know, so the caller's shape bounds the depth
 * of nesting; what does not fit is a {@link ProtocolException} that names line and column. Not thread-safe.
 */
public final class JsonReader {

    private static final BigInteger U64_MAX = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);
    private static final BigInteger U128_MAX = BigInteger.TWO.pow(128).subtract(BigInteger.ONE);
    private static final BigInteger I64_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger I64_MAX = BigInteger.valueOf(Long.MAX_VALUE);
    private static final int DIGITS_MAX = 40;
    /** So many characters always fit a long. */
    private static final int LONG_DIGITS = 18;

    private final String text;
    private int position;
    /** Nothing was read since the last opening bracket, so no comma is due. */
    private boolean opened;

    public JsonReader(String text) {
        this.text = text;
    }

    public ProtocolException error(String message) {
        int line = 1;
        int lineStart = 0;
        for (int i = 0; i < position && i < text.length(); i++) {
            if (text.charAt(i) == '\n') {
                line++;
                lineStart = i + 1;
            }
        }
        return new ProtocolException(message + " at line " + line + " column " + (position - lineStart));
    }

    /** An error about the character that comes next. */
    private ProtocolException errorAtNext(String message) {
        if (position >= text.length()) {
            return error("EOF while parsing a value");
        }
        position++;
        return error(message);
    }

    private char peek() {
        while (position < text.length() && isSpace(text.charAt(position))) {
            position++;
        }
        return position < text.length() ? text.charAt(position) : '\0';
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
    }

    private void open(char bracket, String expected) {
        if (peek() != bracket) {
            char c = peek();
            boolean value = c == '{' || c == '[' || c == '"' || c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f'
                    || c == 'n';
            throw errorAtNext(value ? "invalid type, expected " + expected : "expected value");
        }
        position++;
        opened = true;
    }

    /** Steps to the next member or element; false at the closing bracket, which is consumed. */
    private boolean advance(char closing) {
        boolean first = opened;
        opened = false;
        char c = peek();
        if (c == closing && position < text.length()) {
            position++;
            return false;
        }
        if (!first) {
            if (c != ',') {
                throw errorAtNext("expected `,` or `" + closing + "`");
            }
            position++;
            if (peek() == closing) {
                throw errorAtNext("trailing comma");
            }
        }
        return true;
    }

    private String key() {
        if (peek() != '"') {
            throw errorAtNext("key must be a string");
        }
        String key = readString();
        if (peek() != ':') {
            throw errorAtNext("expected `:`");
        }
        position++;
        return key;
    }

    /** Nothing but white space may be left. */
    public void end() {
        peek();
        if (position < text.length()) {
            throw errorAtNext("trailing characters");
        }
    }

    /** The members of an object that has exactly these fields, in any order. */
    public final class Fields {

        private final String[] names;
        private int seen;

        private Fields(String... names) {
            this.names = names;
            open('{', "an object");
        }

        /** Index of the field whose value comes next, or -1 at the end, when all were there. */
        public int next() {
            if (!advance('}')) {
                for (int i = 0; i < names.length; i++) {
                    if ((seen & 1 << i) == 0) {
                        throw error("missing field `" + names[i] + "`");
                    }
                }
                return -1;
            }
            if (peek() != '"') {
                throw errorAtNext("key must be a string");
            }
            String key = readString();
            int index = 0;
            while (index < names.length && !names[index].equals(key)) {
                index++;
            }
            if (index == names.length) {
                throw error("unknown field `" + key + "`, expected `" + String.join("`, `", names) + "`");
            }
            if ((seen & 1 << index) != 0) {
                throw error("duplicate field `" + key + "`");
            }
            seen |= 1 << index;
            if (peek() != ':') {
                throw errorAtNext("expected `:`");
            }
            position++;
            return index;
        }
    }

    public Fields fields(String... names) {
        return new Fields(names);
    }

    /** An object with one member: {@code body} gets its name and reads its value. */
    public <T> T variant(Function<String, T> body) {
        open('{', "an object with one member");
        if (!advance('}')) {
            throw error("expected a variant name");
        }
        T value = body.apply(key());
        if (advance('}')) {
            throw error("expected one member only");
        }
        return value;
    }

    /** An object with the one field {@code name}. */
    public <T> T single(String name, Function<JsonReader, T> value) {
        return variant(key -> {
            if (!key.equals(name)) {
                throw error("unknown field `" + key + "`, expected `" + name + "`");
            }
            return value.apply(this);
        });
    }

    public <T> List<T> array(Function<JsonReader, T> element) {
        open('[', "an array");
        List<T> list = new ArrayList<>();
        while (advance(']')) {
            list.add(element.apply(this));
        }
        return list;
    }

    /** Query texts: not more than a message may have. */
    public List<String> queries() {
        List<String> queries = new ArrayList<>();
        open('[', "an array");
        while (advance(']')) {
            queries.add(readString());
            Wire.checkQueryCount(queries.size());
        }
        return queries;
    }

    public String readString() {
        opened = false;
        if (peek() != '"') {
            throw errorAtNext("invalid type, expected a string");
        }
        int start = ++position;
        while (position < text.length() && isPlain(text.charAt(position))) {
            position++;
        }
        if (position < text.length() && text.charAt(position) == '"') {
            return text.substring(start, position++);
        }
        StringBuilder out = new StringBuilder(position - start + 16).append(text, start, position);
        while (position < text.length()) {
            char c = text.charAt(position++);
            if (c == '"') {
                return out.toString();
            } else if (c == '\\') {
                escape(out);
            } else if (c < ' ') {
                throw error("control character (\\u0000-\\u001F) found while parsing a string");
            } else {
                out.append(c);
            }
        }
        throw error("EOF while parsing a string");
    }

    private static boolean isPlain(char c) {
        return c >= ' ' && c != '"' && c != '\\';
    }

    private void escape(StringBuilder out) {
        if (position >= text.length()) {
            throw error("EOF while parsing a string");
        }
        char c = text.charAt(position++);
        switch (c) {
            case '"', '\\', '/' -> out.append(c);
            case 'b' -> out.append('\b');
            case 'f' -> out.append('\f');
            case 'n' -> out.append('\n');
            case 'r' -> out.append('\r');
            case 't' -> out.append('\t');
            case 'u' -> {
                char unit = hexUnit();
                out.append(unit);
                if (Character.isLowSurrogate(unit)) {
                    throw error("lone surrogate in hex escape");
                }
                if (Character.isHighSurrogate(unit)) {
                    if (!text.startsWith("\\u", position)) {
                        throw error("lone surrogate in hex escape");
                    }
                    position += 2;
                    char low = hexUnit();
                    if (!Character.isLowSurrogate(low)) {
                        throw error("lone surrogate in hex escape");
                    }
                    out.append(low);
                }
            }
            default -> throw error("invalid escape");
        }
    }

    private char hexUnit() {
        int unit = 0;
        for (int i = 0; i < 4; i++) {
            if (position >= text.length()) {
                throw error("EOF while parsing a string");
            }
            char c = text.charAt(position++);
            if (!HexFormat.isHexDigit(c)) {
                throw error("invalid escape");
            }
            unit = unit << 4 | HexFormat.fromHexDigit(c);
        }
        return (char) unit;
    }

    /** The digits of an integer, with its sign; {@code type} is what was expected. */
    private String integer(String type) {
        opened = false;
        peek();
        int start = position;
        if (peek() == '-') {
            position++;
        }
        int digits = position;
        while (position < text.length() && text.charAt(position) >= '0' && text.charAt(position) <= '9') {
            position++;
        }
        int count = position - digits;
        if (count == 0) {
            throw errorAtNext("invalid type, expected " + type);
        }
        char next = position < text.length() ? text.charAt(position) : '\0';
        if (count > 1 && text.charAt(digits) == '0') {
            throw error("invalid number");
        }
        if (next == '.' || next == 'e' || next == 'E') {
            throw error("invalid type: floating point, expected " + type);
        }
        if (count > DIGITS_MAX) {
            throw error("number out of range");
        }
        return text.substring(start, position);
    }

    private ProtocolException outOfRange(String value, String type) {
        return error("invalid value: integer `" + value + "`, expected " + type);
    }

    private long small(String type, long max) {
        String digits = integer(type);
        long value = digits.length() <= LONG_DIGITS ? Long.parseLong(digits) : -1;
        if (value < 0 || value > max) {
            throw outOfRange(digits, type);
        }
        return value;
    }

    private BigInteger large(String type, BigInteger min, BigInteger max) {
        String digits = integer(type);
        BigInteger value = new BigInteger(digits);
        if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
            throw outOfRange(digits, type);
        }
        return value;
    }

    public int readU8() {
        return (int) small("u8", 0xff);
    }

    public int readU32() {
        return (int) small("u32", 0xffff_ffffL);
    }

    public long readU64() {
        return large("u64", BigInteger.ZERO, U64_MAX).longValue();
    }

    public long readI64() {
        return large("i64", I64_MIN, I64_MAX).longValue();
    }

    /** A u128 as u64; larger amounts become the largest u64. */
    public long readU128Saturated() {
        return large("u128", BigInteger.ZERO, U128_MAX).min(U64_MAX).longValue();
    }

    /** Hex text or an array of numbers. */
    public byte[] readBytes() {
        if (peek() == '[') {
            BsatnWriter bytes = new BsatnWriter();
            open('[', "an array");
            while (advance(']')) {
                bytes.writeU8(readU8());
            }
            return bytes.toByteArray();
        }
        try {
            return HexFormat.of().parseHex(readString());
        } catch (IllegalArgumentException e) {
            throw error("invalid hex text");
        }
    }

    /** {@code {"id":n}}. */
    public int readQuerySetId() {
        return single("id", JsonReader::readU32);
    }

    public Identity readIdentity() {
        return single("__identity__", in -> {
            String text = in.readString();
            String digits = text.startsWith("0x") ? text.substring(2) : "";
            try {
                return Identity.fromHex("0".repeat(Math.max(0, 2 * Identity.BYTE_COUNT - digits.length())) + digits);
            } catch (IllegalArgumentException e) {
                throw error("invalid identity");
            }
        });
    }

    public ConnectionId readConnectionId() {
        return single("__connection_id__", in -> {
            BigInteger value = in.large("u128", BigInteger.ZERO, U128_MAX);
            return new ConnectionId(value.longValue(), value.shiftRight(64).longValue());
        });
    }

    public OptionalInt readU32Option() {
        return option(JsonReader::readU32).map(OptionalInt::of).orElseGet(OptionalInt::empty);
    }

    public <T> Optional<T> option(Function<JsonReader, T> some) {
        return variant(name -> switch (name) {
            case "some" -> Optional.of(some.apply(this));
            case "none" -> {
                readUnit();
                yield Optional.empty();
            }
            default -> throw error("unknown variant `" + name + "`, expected `some`, `none`");
        });
    }

    /** {@code []}. */
    public void readUnit() {
        open('[', "an empty array");
        if (advance(']')) {
            throw error("expected an empty array");
        }
    }
}
