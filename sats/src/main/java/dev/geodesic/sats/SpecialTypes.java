package dev.geodesic.sats;

import java.util.Optional;

/** Types with a meaning beyond their structure, which alone tells them (spec/bsatn.md section 4). */
public final class SpecialTypes {

    public static final ProductType IDENTITY = single("__identity__", PrimitiveType.U256);
    public static final ProductType CONNECTION_ID = single("__connection_id__", PrimitiveType.U128);
    public static final ProductType TIMESTAMP = single("__timestamp_micros_since_unix_epoch__", PrimitiveType.I64);
    public static final ProductType TIME_DURATION = single("__time_duration_micros__", PrimitiveType.I64);
    public static final ProductType UUID = single("__uuid__", PrimitiveType.U128);
    public static final SumType SCHEDULE_AT =
            SumType.of(SumVariant.of("Interval", TIME_DURATION), SumVariant.of("Time", TIMESTAMP));

    public static final int INTERVAL_TAG = 0;
    public static final int TIME_TAG = 1;
    public static final int SOME_TAG = 0;
    public static final int NONE_TAG = 1;
    public static final int OK_TAG = 0;
    public static final int ERR_TAG = 1;

    private SpecialTypes() {
    }

    private static ProductType single(String name, PrimitiveType type) {
        return ProductType.of(ProductElement.of(name, type));
    }

    public static SumType option(AlgebraicType payload) {
        return SumType.of(SumVariant.of("some", payload), SumVariant.of("none", ProductType.UNIT));
    }

    public static SumType result(AlgebraicType ok, AlgebraicType err) {
        return SumType.of(SumVariant.of("ok", ok), SumVariant.of("err", err));
    }

    /** Payload type, if this is an option. */
    public static Optional<AlgebraicType> optionPayload(AlgebraicType type) {
        return type instanceof SumType sum && isOption(sum) ? Optional.of(sum.variants().get(SOME_TAG).type()) : Optional.empty();
    }

    public static boolean isOption(SumType sum) {
        return hasNames(sum, "some", "none") && isUnit(sum.variants().get(NONE_TAG).type());
    }

    public static boolean isResult(SumType sum) {
        return hasNames(sum, "ok", "err");
    }

    public static boolean isScheduleAt(AlgebraicType type) {
        return SCHEDULE_AT.equals(type);
    }

    public static boolean isUnit(AlgebraicType type) {
        return type instanceof ProductType product && product.elements().isEmpty();
    }

    public static boolean isBytes(AlgebraicType type) {
        return type instanceof ArrayType array && array.element() == PrimitiveType.U8;
    }

    /**
     * Whether names inside this type are fixed: Identity, ConnectionId, Timestamp, TimeDuration, Uuid, ScheduleAt, unit,
     * never, option and result.
     */
    public static boolean isSpecial(AlgebraicType type) {
        return switch (type) {
            case ProductType p -> p.elements().isEmpty() || p.elements().size() == 1 && isSpecialProduct(p);
            case SumType s -> s.variants().isEmpty() || isOption(s) || isResult(s) || isScheduleAt(s);
            case ArrayType a -> false;
            case PrimitiveType p -> false;
            case AlgebraicType.Ref r -> false;
        };
    }

    private static boolean isSpecialProduct(ProductType p) {
        return p.equals(IDENTITY) || p.equals(CONNECTION_ID) || p.equals(TIMESTAMP) || p.equals(TIME_DURATION) || p.equals(UUID);
    }

    private static boolean hasNames(SumType sum, String first, String second) {
        return sum.variants().size() == 2
                && sum.variants().get(0).name().equals(Optional.of(first))
                && sum.variants().get(1).name().equals(Optional.of(second));
    }
}
