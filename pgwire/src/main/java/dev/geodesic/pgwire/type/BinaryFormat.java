package dev.geodesic.pgwire.type;

import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.Integers;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SpecialTypes;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** Values in the binary form that PostgreSQL gives its own types. */
public final class BinaryFormat {

    /** 2000-01-01 in microseconds since 1970-01-01. */
    static final long EPOCH_MICROS = 946_684_800_000_000L;

    private static final BigInteger NUMERIC_BASE = BigInteger.valueOf(10_000);
    private static final int NUMERIC_NEGATIVE = 0x4000;

    private BinaryFormat() {
    }

    /** Writes one value, without its length. */
    public static void write(AlgebraicType type, BsatnReader in, MessageWriter out) {
        ColumnType column = ColumnType.of(type);
        if (column.isArray()) {
            array(((ArrayType) type).element(), column.scalar(), in, out);
        } else if (column.scalar() == PgType.ANYARRAY) {
            array(((ArrayType) type).element(), PgType.TEXT, in, out);
        } else {
            scalar(type, column.scalar(), in, out);
        }
    }

    private static void scalar(AlgebraicType type, PgType as, BsatnReader in, MessageWriter out) {
        switch (as) {
            case BOOL -> out.int8(in.readBool() ? 1 : 0);
            case INT2, INT4, INT8 -> integer((PrimitiveType) type, as, in, out);
            case NUMERIC -> {
                PrimitiveType p = (PrimitiveType) type;
                numeric(Integers.fromLittleEndian(in.readRaw(p.byteSize()), 0, p.byteSize(), p.isSignedInteger()), out);
            }
            case FLOAT4 -> out.int32(Float.floatToIntBits(in.readF32()));
            case FLOAT8 -> out.int64(Double.doubleToLongBits(in.readF64()));
            case BYTEA -> {
                byte[] bytes = type.equals(SpecialTypes.IDENTITY) ? TextFormat.bigEndian(in.readIdentity())
                        : type.equals(SpecialTypes.CONNECTION_ID) ? TextFormat.bigEndian(in.readConnectionId())
                        : in.readBytes();
                out.raw(bytes, 0, bytes.length);
            }
            case TIMESTAMP -> out.int64(Math.subtractExact(Math.max(in.readU64(), Long.MIN_VALUE + EPOCH_MICROS), EPOCH_MICROS));
            case INTERVAL -> out.int64(in.readU64()).int32(0).int32(0);
            case UUID -> {
                long low = in.readU64();
                out.int64(in.readU64()).int64(low);
            }
            default -> TextFormat.write(type, TextFormat.Style.POSTGRES, in, out);
        }
    }

    private static void integer(PrimitiveType type, PgType as, BsatnReader in, MessageWriter out) {
        long value = switch (type) {
            case I8 -> (byte) in.readU8();
            case U8 -> in.readU8();
            case I16 -> (short) in.readU16();
            case U16 -> in.readU16();
            case I32 -> in.readU32();
            case U32 -> Integer.toUnsignedLong(in.readU32());
            default -> in.readU64();
        };
        switch (as) {
            case INT2 -> out.int16((int) value);
            case INT4 -> out.int32((int) value);
            default -> out.int64(value);
        }
    }

    /** Digits to the base of ten thousand, most significant first. */
    static void numeric(BigInteger value, MessageWriter out) {
        List<Integer> digits = new ArrayList<>();
        for (BigInteger rest = value.abs(); rest.signum() > 0;) {
            BigInteger[] division = rest.divideAndRemainder(NUMERIC_BASE);
            digits.addFirst(division[1].intValue());
            rest = division[0];
        }
        int weight = Math.max(0, digits.size() - 1);
        while (!digits.isEmpty() && digits.getLast() == 0) {
            digits.removeLast();
        }
        out.int16(digits.size()).int16(weight).int16(value.signum() < 0 ? NUMERIC_NEGATIVE : 0).int16(0);
        digits.forEach(out::int16);
    }

    private static void array(AlgebraicType element, PgType as, BsatnReader in, MessageWriter out) {
        int count = in.readCount(0);
        out.int32(count == 0 ? 0 : 1).int32(0).int32(as.oid());
        if (count > 0) {
            out.int32(count).int32(1);
        }
        for (int i = 0; i < count; i++) {
            int mark = out.beginValue();
            scalar(element, as, in, out);
            out.endValue(mark);
        }
    }
}
