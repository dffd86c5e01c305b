package dev.geodesic.protocol.wire;

import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/** Shapes that occur all over the messages. */
public final class Wire {

    private static final int STRING_BYTES_MIN = 4;

    private Wire() {
    }

    public static BsatnException unknownTag(int tag, String type) {
        return new BsatnException(
                BsatnException.Code.BAD_TAG, "unknown tag 0x" + Integer.toHexString(tag) + " for sum type " + type);
    }

    public static void writeOption(BsatnWriter out, OptionalInt value) {
        out.writeU8(value.isPresent() ? 0 : 1);
        value.ifPresent(out::writeU32);
    }

    public static OptionalInt readOption(BsatnReader in) {
        return isSome(in) ? OptionalInt.of(in.readU32()) : OptionalInt.empty();
    }

    public static void writeStringOption(BsatnWriter out, Optional<String> value) {
        out.writeU8(value.isPresent() ? 0 : 1);
        value.ifPresent(out::writeString);
    }

    public static Optional<String> readStringOption(BsatnReader in) {
        return isSome(in) ? Optional.of(in.readString()) : Optional.empty();
    }

    /** Reads the tag of an option. */
    public static boolean isSome(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case 0 -> true;
            case 1 -> false;
            default -> throw unknownTag(tag, "Option");
        };
    }

    public static void writeStrings(BsatnWriter out, List<String> strings) {
        out.writeU32(strings.size());
        strings.forEach(out::writeString);
    }

    /** Query texts: at most {@link ProtocolLimits#QUERIES_PER_MESSAGE_MAX}. */
    public static List<String> readQueries(BsatnReader in) {
        int count = in.readCount(STRING_BYTES_MIN);
        checkQueryCount(count);
        List<String> strings = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            strings.add(in.readString());
        }
        return strings;
    }

    public static void checkQueryCount(int count) {
        if (count > ProtocolLimits.QUERIES_PER_MESSAGE_MAX) {
            throw new ProtocolException("more than " + ProtocolLimits.QUERIES_PER_MESSAGE_MAX + " queries in one message");
        }
    }

    /** An array whose elements take at least {@code minElementBytes} (more than 0) bytes each. */
    public static <T> List<T> readArray(BsatnReader in, int minElementBytes, Function<BsatnReader, T> element) {
        int count = in.readCount(minElementBytes);
        List<T> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(element.apply(in));
        }
        return list;
    }

    /** A u128 as u64; larger amounts, which only ever inform, become the largest u64. */
    public static long readU128Saturated(BsatnReader in) {
        long low = in.readU64();
        return in.readU64() == 0 ? low : -1L;
    }
}
