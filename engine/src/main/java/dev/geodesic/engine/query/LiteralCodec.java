package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.NumberText;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Integers;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Literals as BSATN of the type they are compared with or assigned to (spec/sql.md 4). */
final class LiteralCodec {

    private static final Pattern RFC_3339 = Pattern.compile(
            "(\\d{4})-(\\d{2})-(\\d{2})[Tt ](\\d{2}):(\\d{2}):(\\d{2})(?:\\.(\\d{1,50}))?(?:[Zz]|([+-])(\\d{2}):(\\d{2}))");
    private static final Pattern UUID_TEXT =
            Pattern.compile("\\p{XDigit}{32}|\\p{XDigit}{8}-\\p{XDigit}{4}-\\p{XDigit}{4}-\\p{XDigit}{4}-\\p{XDigit}{12}");
    private static final int MICRO_DIGITS = 6;
    private static final long MICROS_PER_SECOND = 1_000_000;
    private static final int NANOS_PER_MICRO = 1_000;
    private static final Set<String> TRUE_WORDS = Set.of("t", "true", "y", "yes", "on", "1");
    private static final Set<String> FALSE_WORDS = Set.of("f", "false", "n", "no", "off", "0");
    /** PostgreSQL leaves the minutes of a whole offset away. */
    private static final Pattern PG_TIMESTAMP = Pattern.compile("^(.*:\\d{2}(?:\\.\\d+)?)([+-]\\d{2})$");

    private LiteralCodec() {
    }

    /** In a condition. Errors: SQL if the literal does not fit. */
    static byte[] forComparison(Expr.Literal literal, AlgebraicType type) {
        if (literal.kind() == Expr.Literal.Kind.BOOL && type != PrimitiveType.BOOL) {
            throw SqlError.type("Bool", TypeText.of(type));
        }
        return encode(literal, type);
    }

    /**
     * As a value of INSERT or SET, where strings are for string columns and for types that have no other literal. Errors:
     * SQL if the literal does not fit.
     */
    static byte[] forAssignment(Expr.Literal literal, AlgebraicType type) {
        if (literal.kind() == Expr.Literal.Kind.BOOL && type != PrimitiveType.BOOL) {
            throw SqlError.type("Bool", TypeText.of(type));
        }
        if (literal.kind() == Expr.Literal.Kind.STRING && type != PrimitiveType.STRING) {
            if (isTime(type)) {
                return time(literal.text(), type).orElseThrow(() -> SqlError.literal(literal.text(), TypeText.of(type)));
            }
            ValueKind kind = ValueKind.of(type);
            if (kind != ValueKind.TIMESTAMP && kind != ValueKind.UUID) {
                throw SqlError.type("String", TypeText.of(type));
            }
        }
        return encode(literal, type);
    }

    /** A value that comes as text, for any type that has literals. Errors: SQL if it does not fit. */
    static byte[] forParameter(String text, AlgebraicType type) {
        String word = text.strip().toLowerCase(Locale.ROOT);
        Optional<byte[]> bytes = switch (ValueKind.of(type)) {
            case BOOL -> TRUE_WORDS.contains(word) ? Optional.of(new byte[] {1})
                    : FALSE_WORDS.contains(word) ? Optional.of(new byte[] {0}) : Optional.empty();
            case F32 -> notFinite(word).map(value -> written(w -> w.writeF32(value.floatValue())));
            case F64 -> notFinite(word).map(value -> written(w -> w.writeF64(value)));
            case BYTES, IDENTITY, CONNECTION_ID -> word.startsWith("\\x") || word.startsWith("0x")
                    ? Optional.of(encode(new Expr.Literal(Expr.Literal.Kind.HEX, word.substring(2)), type))
                    : Optional.empty();
            case TIMESTAMP -> timestamp(PG_TIMESTAMP.matcher(text.strip()).replaceFirst("$1$2:00"))
                    .or(() -> timestamp(text.strip() + "Z"));
            case OTHER -> isTime(type) ? time(text.strip(), type) : Optional.empty();
            default -> Optional.empty();
        };
        boolean isText = type == PrimitiveType.STRING;
        return bytes.orElseGet(() -> encode(new Expr.Literal(Expr.Literal.Kind.STRING, isText ? text : text.strip()), type));
    }

    private static Optional<Double> notFinite(String word) {
        return switch (word) {
            case "nan" -> Optional.of(Double.NaN);
            case "infinity", "inf", "+infinity", "+inf" -> Optional.of(Double.POSITIVE_INFINITY);
            case "-infinity", "-inf" -> Optional.of(Double.NEGATIVE_INFINITY);
            default -> Optional.empty();
        };
    }

    /** Some value of the type, for a statement that is only looked at. Errors: SQL if the type has no literals. */
    static byte[] any(String place, AlgebraicType type) {
        ValueKind kind = ValueKind.of(type);
        if (kind == ValueKind.OTHER && !isTime(type)) {
            throw SqlError.literal(place, TypeText.of(type));
        }
        return new byte[kind == ValueKind.OTHER ? 1 + Long.BYTES : kind.isText() ? Integer.BYTES : kind.byteSize()];
    }

    /** Whether values of the type can be written, though they cannot be compared. */
    private static boolean isTime(AlgebraicType type) {
        return isDuration(type) || SpecialTypes.isScheduleAt(type);
    }

    private static Optional<byte[]> time(String text, AlgebraicType type) {
        Optional<byte[]> duration = duration(text);
        return isDuration(type)
                ? duration
                : duration.map(d -> variant(SpecialTypes.INTERVAL_TAG, d))
                        .or(() -> timestamp(text).map(t -> variant(SpecialTypes.TIME_TAG, t)));
    }

    private static byte[] variant(int tag, byte[] payload) {
        return written(w -> {
            w.writeU8(tag);
            w.writeRaw(payload);
        });
    }

    private static boolean isDuration(AlgebraicType type) {
        return type instanceof ProductType p && p.elements().size() == 1 && p.equals(SpecialTypes.TIME_DURATION);
    }

    /** ISO 8601, as the PostgreSQL wire shows durations: {@code PT90061.000001S}; finer than a microsecond is cut. */
    private static Optional<byte[]> duration(String text) {
        try {
            Duration duration = Duration.parse(text);
            long micros = Math.addExact(
                    Math.multiplyExact(duration.getSeconds(), MICROS_PER_SECOND), duration.getNano() / NANOS_PER_MICRO);
            return Optional.of(written(w -> w.writeU64(micros)));
        } catch (DateTimeParseException | ArithmeticException e) {
            return Optional.empty();
        }
    }

    private static byte[] encode(Expr.Literal literal, AlgebraicType type) {
        String text = literal.text();
        boolean isNumberText = literal.kind() == Expr.Literal.Kind.NUMBER || literal.kind() == Expr.Literal.Kind.STRING;
        boolean isHexText = literal.kind() == Expr.Literal.Kind.HEX || literal.kind() == Expr.Literal.Kind.STRING;
        boolean isString = literal.kind() == Expr.Literal.Kind.STRING;
        ValueKind kind = ValueKind.of(type);
        Optional<byte[]> bytes = switch (kind) {
            case BOOL -> literal.kind() == Expr.Literal.Kind.BOOL
                    ? Optional.of(new byte[] {(byte) (text.equals("true") ? 1 : 0)})
                    : Optional.empty();
            case I8, U8, I16, U16, I32, U32, I64, U64, I128, U128, I256, U256 -> isNumberText
                    ? NumberText.integer(text).filter(v -> Integers.fits(v, (PrimitiveType) type)).map(v -> integer(v, kind))
                    : Optional.empty();
            case F32 -> isNumberText && NumberText.isNumber(text)
                    ? Optional.of(written(w -> w.writeF32(Float.parseFloat(text))))
                    : Optional.empty();
            case F64 -> isNumberText && NumberText.isNumber(text)
                    ? Optional.of(written(w -> w.writeF64(Double.parseDouble(text))))
                    : Optional.empty();
            case STRING -> Optional.of(written(w -> w.writeString(text)));
            case BYTES -> isHexText ? hex(text).map(b -> written(w -> w.writeBytes(b))) : Optional.empty();
            case IDENTITY, CONNECTION_ID -> isHexText ? fixedHex(isString ? withoutPrefix(text) : text, kind) : Optional.empty();
            case UUID -> isString && UUID_TEXT.matcher(text).matches() ? fixedHex(text.replace("-", ""), kind) : Optional.empty();
            case TIMESTAMP -> isString ? timestamp(text) : Optional.empty();
            case OTHER -> Optional.empty();
        };
        return bytes.orElseThrow(() -> SqlError.literal(text, TypeText.of(type)));
    }

    /** {@code :sender} beside a column of this type. Errors: SQL for other types than Identity and bytes. */
    static byte[] sender(Identity caller, AlgebraicType type) {
        return switch (ValueKind.of(type)) {
            case IDENTITY -> caller.toLittleEndian();
            case BYTES -> written(w -> w.writeBytes(caller.toLittleEndian()));
            default -> throw senderMismatch(type);
        };
    }

    static EngineException senderMismatch(AlgebraicType type) {
        return SqlError.type("(__identity__: U256)", TypeText.of(type));
    }

    private static byte[] integer(BigInteger value, ValueKind kind) {
        return written(w -> Integers.write(value, kind.byteSize(), w));
    }

    private static String withoutPrefix(String text) {
        return text.startsWith("0x") ? text.substring(2) : text;
    }

    /** Big-endian digits of exactly the size of the kind, as little-endian bytes. */
    private static Optional<byte[]> fixedHex(String digits, ValueKind kind) {
        return digits.length() == 2 * kind.byteSize() ? hex(digits).map(LiteralCodec::reversed) : Optional.empty();
    }

    private static Optional<byte[]> hex(String digits) {
        if (digits.length() % 2 != 0 || !digits.chars().allMatch(HexFormat::isHexDigit)) {
            return Optional.empty();
        }
        return Optional.of(HexFormat.of().parseHex(digits));
    }

    private static byte[] reversed(byte[] bytes) {
        byte[] reversed = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            reversed[i] = bytes[bytes.length - 1 - i];
        }
        return reversed;
    }

    private static Optional<byte[]> timestamp(String text) {
        Matcher m = RFC_3339.matcher(text);
        if (!m.matches()) {
            return Optional.empty();
        }
        try {
            LocalDateTime local = LocalDateTime.of(
                    number(m, 1), number(m, 2), number(m, 3), number(m, 4), number(m, 5), number(m, 6));
            int offsetMinutes = 0;
            if (m.group(8) != null) {
                if (number(m, 9) > 23 || number(m, 10) > 59) {
                    return Optional.empty();
                }
                offsetMinutes = (m.group(8).equals("-") ? -1 : 1) * (number(m, 9) * 60 + number(m, 10));
            }
            String fraction = m.group(7) == null ? "" : m.group(7);
            int micros = Integer.parseInt((fraction + "000000").substring(0, MICRO_DIGITS));
            long value = (local.toEpochSecond(ZoneOffset.UTC) - offsetMinutes * 60L) * MICROS_PER_SECOND + micros;
            return Optional.of(written(w -> w.writeU64(value)));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    private static int number(Matcher m, int group) {
        return Integer.parseInt(m.group(group));
    }

    private interface Write {
        void to(BsatnWriter out);
    }

    private static byte[] written(Write write) {
        BsatnWriter out = new BsatnWriter(Identity.BYTE_COUNT);
        write.to(out);
        return out.toByteArray();
    }
}
