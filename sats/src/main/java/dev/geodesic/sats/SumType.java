package dev.geodesic.sats;

import java.util.List;

/** One of several variants, at most 256. The empty sum is <em>never</em>. */
public record SumType(List<SumVariant> variants) implements AlgebraicType {

    public static final SumType NEVER = new SumType(List.of());

    public SumType {
        variants = List.copyOf(variants);
    }

    public static SumType of(SumVariant... variants) {
        return new SumType(List.of(variants));
    }

    @Override
    public int tag() {
        return 1;
    }
}
