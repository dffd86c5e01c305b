package dev.geodesic.pgwire.type;

import dev.geodesic.pgwire.message.Payload;
import dev.geodesic.pgwire.message.PgException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.UUID;

/** Values that clients bind, as text: what comes in binary form is written as PostgreSQL writes it. */
public final class ParameterText {

    private static final int NUMERIC_NEGATIVE = 0x4000;
    private static final int NUMERIC_DIGITS_MAX = 1_000;
    private static final long DAY_MICROS = 86_400_000_000L;

    private ParameterText() {
    }

    /**
     * Text of a value in binary form.
     *
     * @param oid of its type
     * @throws PgException 22P03 for bytes that are no value of the type, 0A000 for types that are not read
     */
    public static String ofBinary(int oid, byte[] value) {
        PgType type = PgType.of(oid).orElseThrow(() -> unsupported(oid));
        Payload in = new Payload(value);
        try {
            String text = switch (type) {
                case BOOL -> in.int8() != 0 ? "t" : "f";
                case INT2 -> Integer.toString(in.int16());
                case INT4 -> Integer.toString(in.int32());
                case INT8 -> Long.toString(in.int64());
                case OID -> Integer.toUnsignedString(in.int32());
                case FLOAT4 -> Float.toString(Float.intBitsToFloat(in.int32()));
                case FLOAT8 -> Double.toString(Double.longBitsToDouble(in.int64()));
                case NUMERIC -> numeric(in);
                case UUID -> new UUID(in.int64(), in.int64()).toString();
                case TIMESTAMP, TIMESTAMPTZ -> TextFormat.timestamp(timestamp(in.int64()), TextFormat.Style.RECORDED);
                case INTERVAL -> TextFormat.duration(interval(in), TextFormat.Style.RECORDED);
                case BYTEA -> TextFormat.bytea(in.bytes(in.remaining()));
                case TEXT, VARCHAR, BPCHAR, NAME, CHAR, UNKNOWN, JSON, ANYENUM -> Payload.utf8(in.bytes(in.remaining()));
                case DATE, ANYARRAY -> throw unsupported(oid);
            };
            if (in.remaining() == 0) {
                return text;
            }
        } catch (PgException e) {
            if (!e.isFatal()) {
                throw e;
            }
        } catch (ArithmeticException e) {
            // Refused below.
        }
        throw PgException.error("22P03", "incorrect binary data for a parameter of type " + type.typeName());
    }

    private static PgException unsupported(int oid) {
        return PgException.error("0A000", "binary parameters of the type with the id " + Integer.toUnsignedString(oid)
                + " are not supported: send text");
    }

    private static long timestamp(long micros) {
        return Math.addExact(micros, BinaryFormat.EPOCH_MICROS);
    }

    private static long interval(Payload in) {
        long micros = in.int64();
        long days = in.int32();
        if (in.int32() != 0) {
            throw PgException.error("22P03", "intervals of months have no fixed length");
        }
        return Math.addExact(micros, Math.multiplyExact(days, DAY_MICROS));
    }

    private static String numeric(Payload in) {
        int count = in.count(2);
        int weight = in.int16();
        int sign = in.int16() & 0xffff;
        int scale = in.int16() & 0xffff;
        if (sign != 0 && sign != NUMERIC_NEGATIVE) {
            return "NaN";
        } else if (count > NUMERIC_DIGITS_MAX || Math.abs(weight) > NUMERIC_DIGITS_MAX) {
            throw PgException.error("22003", "a numeric parameter has too many digits");
        }
        BigInteger digits = BigInteger.ZERO;
        for (int i = 0; i < count; i++) {
            digits = digits.multiply(BigInteger.valueOf(10_000)).add(BigInteger.valueOf(in.int16()));
        }
        BigDecimal value = new BigDecimal(digits).scaleByPowerOfTen(4 * (weight - count + 1));
        value = value.setScale(Math.min(scale, 4 * NUMERIC_DIGITS_MAX), RoundingMode.DOWN);
        return (sign == NUMERIC_NEGATIVE ? value.negate() : value).toPlainString();
    }
}
