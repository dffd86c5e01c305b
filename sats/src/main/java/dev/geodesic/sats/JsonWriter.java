package dev.geodesic.sats;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Builds compact JSON text as UTF-8 bytes; commas come by themselves. The caller keeps begin and end balanced and puts a
 * {@link #key} before each value of an object. Not thread-safe; reuse with {@link #clear()}.
 */
public final class JsonWriter {

    /** Largest text if the caller names no smaller limit. */
    public static final int SIZE_MAX = 1 << 30;

    private final int sizeMax;
    private byte[] buffer;
    private int length;
    // Whether a value precedes at this level, so that the next one needs a comma.
    private boolean comma;

    public JsonWriter() {
        this(256, SIZE_MAX);
    }

    /**
     * @param sizeMax bytes beyond which writing throws {@link BsatnException} TOO_LARGE: four bytes of BSATN can be an
     *     array of billions of units
     */
    public JsonWriter(int capacity, int sizeMax) {
        this.sizeMax = Math.min(sizeMax, SIZE_MAX);
        this.buffer = new byte[capacity];
    }

    public JsonWriter beginObject() {
        value(1);
        buffer[length++] = '{';
        comma = false;
        return this;
    }

    public JsonWriter endObject() {
        return end('}');
    }

    public JsonWriter beginArray() {
        value(1);
        buffer[length++] = '[';
        comma = false;
        return this;
    }

    public JsonWriter endArray() {
        return end(']');
    }

    private JsonWriter end(char c) {
        ensure(1);
        buffer[length++] = (byte) c;
        comma = true;
        return this;
    }

    public JsonWriter key(String name) {
        string(name);
        ensure(1);
        buffer[length++] = ':';
        comma = false;
        return this;
    }

    public JsonWriter string(String v) {
        // Names and most texts are plain ASCII and go straight into the buffer.
        value(v.length() + 2L);
        int from = length;
        buffer[length++] = '"';
        for (int i = 0; i < v.length(); i++) {
            char c = v.charAt(i);
            if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
                length = from;
                comma = false;
                return escapedString(v);
            }
            buffer[length++] = (byte) c;
        }
        buffer[length++] = '"';
        return this;
    }

    private JsonWriter escapedString(String v) {
        byte[] utf8 = v.getBytes(StandardCharsets.UTF_8);
        return string(utf8, 0, utf8.length);
    }

    /** A string given as UTF-8. */
    public JsonWriter string(byte[] utf8, int offset, int count) {
        value(0);
        ensure(count + 2L);
        buffer[length++] = '"';
        int plainFrom = offset;
        int end = offset + count;
        for (int i = offset; i < end; i++) {
            int c = utf8[i];
            if (c == '"' || c == '\\' || c >= 0 && c < 0x20) {
                copy(utf8, plainFrom, i - plainFrom);
                plainFrom = i + 1;
                escape(c);
            }
        }
        copy(utf8, plainFrom, end - plainFrom);
        ensure(1);
        buffer[length++] = '"';
        return this;
    }

    private void escape(int c) {
        ensure(6);
        buffer[length++] = '\\';
        switch (c) {
            case '\b' -> buffer[length++] = 'b';
            case '\f' -> buffer[length++] = 'f';
            case '\n' -> buffer[length++] = 'n';
            case '\r' -> buffer[length++] = 'r';
            case '\t' -> buffer[length++] = 't';
            case '"', '\\' -> buffer[length++] = (byte) c;
            default -> copy(new byte[] {'u', '0', '0', HexDigits.digit(c >> 4), HexDigits.digit(c & 15)}, 0, 5);
        }
    }

    /** A string of lower-case hex digits, two for each byte. */
    public JsonWriter hexString(byte[] bytes, int offset, int count) {
        value(2L * count + 2);
        buffer[length++] = '"';
        for (int i = offset; i < offset + count; i++) {
            buffer[length++] = HexDigits.digit(bytes[i] >> 4 & 15);
            buffer[length++] = HexDigits.digit(bytes[i] & 15);
        }
        buffer[length++] = '"';
        return this;
    }

    public JsonWriter number(long v) {
        value(20);
        if (v == Long.MIN_VALUE) {
            return ascii(Long.toString(v));
        }
        if (v < 0) {
            buffer[length++] = '-';
            v = -v;
        }
        int digits = 1;
        for (long rest = v; rest >= 10; rest /= 10) {
            digits++;
        }
        for (int i = length + digits - 1; i >= length; i--) {
            buffer[i] = (byte) ('0' + v % 10);
            v /= 10;
        }
        length += digits;
        return this;
    }

    public JsonWriter unsigned(long v) {
        return v >= 0 ? number(v) : raw(Long.toUnsignedString(v));
    }

    /** With a fraction or exponent, the shortest text that reads back as the same double; null if not finite. */
    public JsonWriter number(double v) {
        return raw(FloatText.of(v));
    }

    /** With a fraction or exponent, the shortest text that reads back as the same float; null if not finite. */
    public JsonWriter number(float v) {
        return raw(FloatText.of(v));
    }

    public JsonWriter bool(boolean v) {
        return raw(v ? "true" : "false");
    }

    public JsonWriter nullValue() {
        return raw("null");
    }

    /** A value that is JSON already; ASCII only. */
    public JsonWriter raw(String json) {
        value(json.length());
        return ascii(json);
    }

    /** A value that is JSON already. */
    public JsonWriter raw(byte[] json, int offset, int count) {
        value(count);
        copy(json, offset, count);
        return this;
    }

    /** A parsed value. */
    public JsonWriter write(JsonValue v) {
        switch (v) {
            case JsonValue.JsonNull n -> nullValue();
            case JsonValue.JsonBool b -> bool(b.value());
            case JsonValue.JsonNumber n -> raw(n.text());
            case JsonValue.JsonString s -> string(s.value());
            case JsonValue.JsonArray a -> {
                beginArray();
                a.items().forEach(this::write);
                endArray();
            }
            case JsonValue.JsonObject o -> {
                beginObject();
                for (JsonValue.Member member : o.members()) {
                    key(member.name()).write(member.value());
                }
                endObject();
            }
        }
        return this;
    }

    private JsonWriter ascii(String s) {
        ensure(s.length());
        for (int i = 0; i < s.length(); i++) {
            buffer[length++] = (byte) s.charAt(i);
        }
        return this;
    }

    /** A value begins: writes the comma and makes room for {@code count} bytes. */
    private void value(long count) {
        ensure(comma ? count + 1 : count);
        if (comma) {
            buffer[length++] = ',';
        }
        comma = true;
    }

    private void copy(byte[] bytes, int offset, int count) {
        ensure(count);
        System.arraycopy(bytes, offset, buffer, length, count);
        length += count;
    }

    private void ensure(long count) {
        long needed = length + count;
        if (needed > buffer.length) {
            if (needed > sizeMax) {
                throw new BsatnException(BsatnException.Code.TOO_LARGE, "JSON text is longer than " + sizeMax + " bytes");
            }
            buffer = Arrays.copyOf(buffer, (int) Math.min(sizeMax, Math.max(needed, buffer.length * 2L)));
        }
    }

    public int length() {
        return length;
    }

    /** The backing array; valid up to {@link #length()} and until the next write. */
    public byte[] buffer() {
        return buffer;
    }

    public byte[] toByteArray() {
        return Arrays.copyOf(buffer, length);
    }

    /** The text so far. */
    @Override
    public String toString() {
        return new String(buffer, 0, length, StandardCharsets.UTF_8);
    }

    public void clear() {
        length = 0;
        comma = false;
    }
}
