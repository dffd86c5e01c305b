package dev.geodesic.pgwire.type;

import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Integers;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/** Values as text (spec/sql.md 15). */
public final class TextFormat {

    /** Where forms differ. */
    public enum Style {
        /** Those of spec/sql.md 15: {@code 2023-11-14T22:13:20+00:00}, {@code PT61S}, {@code inf}. */
        RECORDED,
        /** Those that drivers of extended queries read: {@code 2023-11-14 22:13:20}, {@code 00:01:01}, {@code Infinity}. */
        POSTGRES
    }

    private static final int TEXT_CHARS_MAX = 256 << 20;
    private static final long MICROS = 1_000_000;
    private static final DateTimeFormatter RECORDED_TIMESTAMP = timestamps("uuuu-MM-dd'T'HH:mm:ss", "+00:00");
    private static final DateTimeFormatter POSTGRES_TIMESTAMP = timestamps("uuuu-MM-dd HH:mm:ss", "");

    private TextFormat() {
    }

    private static DateTimeFormatter timestamps(String seconds, String end) {
        return new DateTimeFormatterBuilder()
                .appendPattern(seconds)
                .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
                .appendLiteral(end)
                .toFormatter()
                .withZone(ZoneOffset.UTC);
    }

    /** Writes one value, without its length. */
    public static void write(AlgebraicType type, Style style, BsatnReader in, MessageWriter out) {
        if (type == PrimitiveType.STRING) {
            int from = in.skipString();
            out.raw(in.buffer(), from, in.position() - from);
        } else {
            out.utf8(text(type, style, in));
        }
    }

    /** One value as a column shows it. */
    static String text(AlgebraicType type, Style style, BsatnReader in) {
        return switch (type) {
            case PrimitiveType.STRING -> in.readString();
            case PrimitiveType.BOOL -> in.readBool() ? "t" : "f";
            case PrimitiveType p -> number(p, style, in);
            case ArrayType a when SpecialTypes.isBytes(a) -> bytea(in.readBytes());
            case ArrayType a -> array(a, style, in);
            case ProductType p when isWrapped(p) -> wrapped(p, style, in);
            case SumType s when ColumnType.isEnum(s) -> variant(s, in).name().orElse("");
            default -> {
                StringBuilder json = new StringBuilder();
                json(type, in, json);
                yield json.toString();
            }
        };
    }

    private static String number(PrimitiveType type, Style style, BsatnReader in) {
        return switch (type) {
            case I8 -> Integer.toString((byte) in.readU8());
            case U8 -> Integer.toString(in.readU8());
            case I16 -> Integer.toString((short) in.readU16());
            case U16 -> Integer.toString(in.readU16());
            case I32 -> Integer.toString(in.readU32());
            case U32 -> Integer.toUnsignedString(in.readU32());
            case I64 -> Long.toString(in.readU64());
            case U64 -> Long.toUnsignedString(in.readU64());
            case F32 -> real(in.readF32(), style);
            case F64 -> real(in.readF64(), style);
            case I128, U128, I256, U256 -> Integers.fromLittleEndian(
                    in.readRaw(type.byteSize()), 0, type.byteSize(), type.isSignedInteger()).toString();
            case STRING, BOOL -> throw new IllegalStateException();
        };
    }

    private static String real(float value, Style style) {
        return Float.isFinite(value) ? decimal(new BigDecimal(Float.toString(value)), 1 / value < 0) : special(value, style);
    }

    private static String real(double value, Style style) {
        return Double.isFinite(value) ? decimal(new BigDecimal(Double.toString(value)), 1 / value < 0) : special(value, style);
    }

    private static String special(double value, Style style) {
        return Double.isNaN(value) ? "NaN" : (value > 0 ? "" : "-") + (style == Style.RECORDED ? "inf" : "Infinity");
    }

    /** As PostgreSQL does: plain digits from 1e-4 to 1e15, an exponent of at least two digits elsewhere. */
    private static String decimal(BigDecimal value, boolean negative) {
        if (value.signum() == 0) {
            return negative ? "-0" : "0";
        }
        BigDecimal stripped = value.stripTrailingZeros();
        int exponent = stripped.precision() - stripped.scale() - 1;
        if (exponent >= -4 && exponent < 15) {
            return stripped.toPlainString();
        }
        String mantissa = stripped.movePointLeft(exponent).toPlainString();
        return mantissa + (exponent < 0 ? "e-" : "e+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }

    static String bytea(byte[] bytes) {
        return "\\x" + HexFormat.of().formatHex(bytes);
    }

    /** With the fraction as long as needed. */
    static String timestamp(long micros, Style style) {
        return (style == Style.RECORDED ? RECORDED_TIMESTAMP : POSTGRES_TIMESTAMP).format(Instant.ofEpochSecond(
                Math.floorDiv(micros, MICROS), Math.floorMod(micros, MICROS) * 1_000));
    }

    /** ISO 8601 in seconds, or hours, minutes and seconds. */
    static String duration(long micros, Style style) {
        String sign = micros < 0 ? "-" : "";
        BigDecimal seconds = BigDecimal.valueOf(micros, 6).abs();
        if (style == Style.RECORDED) {
            return micros == 0 ? "P0D" : sign + "PT" + seconds.stripTrailingZeros().toPlainString() + "S";
        }
        long whole = seconds.longValue();
        int fraction = seconds.remainder(BigDecimal.ONE).unscaledValue().intValue();
        String text = String.format(Locale.ROOT, "%s%02d:%02d:%02d", sign, whole / 3_600, whole / 60 % 60, whole % 60);
        return fraction == 0 ? text : text + String.format(Locale.ROOT, ".%06d", fraction);
    }

    /** Identity, connection id, timestamp, duration or UUID: a product that is one value of PostgreSQL. */
    private static boolean isWrapped(ProductType type) {
        return type.elements().size() == 1 && SpecialTypes.isSpecial(type);
    }

    private static String wrapped(ProductType type, Style style, BsatnReader in) {
        if (type.equals(SpecialTypes.IDENTITY)) {
            return "\\x" + in.readIdentity().toHex();
        } else if (type.equals(SpecialTypes.CONNECTION_ID)) {
            return "\\x" + in.readConnectionId().toHex();
        } else if (type.equals(SpecialTypes.TIMESTAMP)) {
            return timestamp(in.readU64(), style);
        } else if (type.equals(SpecialTypes.TIME_DURATION)) {
            return duration(in.readU64(), style);
        }
        long low = in.readU64();
        return new UUID(in.readU64(), low).toString();
    }

    static byte[] bigEndian(Identity identity) {
        return HexFormat.of().parseHex(identity.toHex());
    }

    static byte[] bigEndian(ConnectionId connection) {
        return HexFormat.of().parseHex(connection.toHex());
    }

    static SumVariant variant(SumType type, BsatnReader in) {
        return type.variants().get(in.readU8());
    }

    // ---- arrays ----

    /** PostgreSQL array text: {@code {1,-2}}, elements in quotes where needed. */
    private static String array(ArrayType type, Style style, BsatnReader in) {
        AlgebraicType element = type.element();
        boolean nested = element instanceof ArrayType && !SpecialTypes.isBytes(element);
        int count = in.readCount(0);
        StringBuilder out = new StringBuilder("{");
        for (int i = 0; i < count; i++) {
            if (i > 0) {
                out.append(',');
            }
            String text = text(element, style, in);
            if (nested) {
                out.append(text);
            } else {
                element(text, out);
            }
            check(out);
        }
        return out.append('}').toString();
    }

    private static void element(String text, StringBuilder out) {
        boolean plain = !text.isEmpty() && !text.equalsIgnoreCase("null");
        for (int i = 0; plain && i < text.length(); i++) {
            char c = text.charAt(i);
            plain = "{},\"\\".indexOf(c) < 0 && !Character.isWhitespace(c);
        }
        if (plain) {
            out.append(text);
            return;
        }
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\');
            }
            out.append(c);
        }
        out.append('"');
    }

    /** Units take no bytes in a row, but do as text. */
    private static void check(StringBuilder out) {
        if (out.length() > TEXT_CHARS_MAX) {
            throw PgException.error("54000", "the text of a value has more than " + TEXT_CHARS_MAX + " characters");
        }
    }

    // ---- sums and products ----

    /** With a blank behind colons and commas. */
    private static void json(AlgebraicType type, BsatnReader in, StringBuilder out) {
        check(out);
        switch (type) {
            case PrimitiveType.STRING -> string(in.readString(), out);
            case PrimitiveType.BOOL -> out.append(in.readBool());
            case PrimitiveType p -> {
                String number = number(p, Style.RECORDED, in);
                if (number.endsWith("N") || number.endsWith("f")) {
                    // NaN and infinity are no numbers in JSON.
                    string(number, out);
                } else {
                    out.append(number);
                }
            }
            case ArrayType a when SpecialTypes.isBytes(a) -> string(bytea(in.readBytes()), out);
            case ArrayType a -> {
                int count = in.readCount(0);
                out.append('[');
                for (int i = 0; i < count; i++) {
                    out.append(i > 0 ? ", " : "");
                    json(a.element(), in, out);
                }
                out.append(']');
            }
            case ProductType p when isWrapped(p) -> {
                key(p.elements().getFirst().name().orElseThrow(), out.append('{'));
                string(wrapped(p, Style.RECORDED, in), out);
                out.append('}');
            }
            case ProductType p -> product(p.elements(), in, out);
            case SumType s -> {
                int tag = in.readU8();
                SumVariant variant = s.variants().get(tag);
                key(variant.name().orElse("col_" + tag), out.append('{'));
                json(variant.type(), in, out);
                out.append('}');
            }
            case AlgebraicType.Ref r -> throw new IllegalArgumentException("unresolved reference");
        }
    }

    private static void product(List<ProductElement> elements, BsatnReader in, StringBuilder out) {
        out.append('{');
        for (int i = 0; i < elements.size(); i++) {
            out.append(i > 0 ? ", " : "");
            key(elements.get(i).name().orElse("col_" + i), out);
            json(elements.get(i).type(), in, out);
        }
        out.append('}');
    }

    private static void key(String name, StringBuilder out) {
        string(name, out);
        out.append(": ");
    }

    private static void string(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < 0x20) {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
