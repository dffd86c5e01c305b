package dev.geodesic.sats;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Random types and values. */
final class RandomSats {

    private static final PrimitiveType[] PRIMITIVES = PrimitiveType.values();
    private static final String[] TEXTS = {
        "", "a", "some", "ü€𝄞", "\"\\/\b\f\n\r\t\u0000\u001f\u007f", "\uffff", "0", "long".repeat(9)
    };

    private final Random random;
    private final boolean finite;

    /** {@code finite}: floats that JSON can show. */
    RandomSats(Random random, boolean finite) {
        this.random = random;
        this.finite = finite;
    }

    AlgebraicType type(int depth) {
        if (depth == 0 || random.nextInt(4) == 0) {
            return PRIMITIVES[random.nextInt(PRIMITIVES.length)];
        }
        return switch (random.nextInt(5)) {
            case 0 -> new ArrayType(type(depth - 1));
            case 1 -> SpecialTypes.option(type(depth - 1));
            case 2 -> sum(depth);
            default -> product(depth);
        };
    }

    private ProductType product(int depth) {
        List<ProductElement> elements = new ArrayList<>();
        boolean named = random.nextInt(4) > 0;
        int count = random.nextInt(5);
        for (int i = 0; i < count; i++) {
            elements.add(new ProductElement(named ? Optional.of("f" + i + text()) : Optional.empty(), type(depth - 1)));
        }
        return new ProductType(elements);
    }

    private SumType sum(int depth) {
        List<SumVariant> variants = new ArrayList<>();
        boolean named = random.nextInt(4) > 0;
        int count = 1 + random.nextInt(5);
        for (int i = 0; i < count; i++) {
            variants.add(new SumVariant(named ? Optional.of("v" + i + text()) : Optional.empty(), type(depth - 1)));
        }
        return new SumType(variants);
    }

    private String text() {
        return TEXTS[random.nextInt(TEXTS.length)];
    }

    byte[] value(AlgebraicType type) {
        BsatnWriter out = new BsatnWriter(16);
        value(type, out);
        return out.toByteArray();
    }

    void value(AlgebraicType type, BsatnWriter out) {
        switch (type) {
            case PrimitiveType p -> primitive(p, out);
            case ProductType product -> product.elements().forEach(e -> value(e.type(), out));
            case SumType sum -> {
                int tag = random.nextInt(sum.variants().size());
                out.writeU8(tag);
                value(sum.variants().get(tag).type(), out);
            }
            case ArrayType array -> {
                int count = random.nextInt(4);
                out.writeU32(count);
                for (int i = 0; i < count; i++) {
                    value(array.element(), out);
                }
            }
            case AlgebraicType.Ref ref -> throw new AssertionError(ref);
        }
    }

    private void primitive(PrimitiveType p, BsatnWriter out) {
        switch (p) {
            case STRING -> out.writeString(text() + text());
            case BOOL -> out.writeBool(random.nextBoolean());
            case F32 -> out.writeF32(randomFloat());
            case F64 -> out.writeF64(randomDouble());
            default -> {
                byte[] bytes = new byte[p.byteSize()];
                switch (random.nextInt(4)) {
                    case 0 -> bytes[0] = (byte) random.nextInt();
                    case 1 -> java.util.Arrays.fill(bytes, (byte) -1);
                    default -> random.nextBytes(bytes);
                }
                out.writeRaw(bytes);
            }
        }
    }

    private float randomFloat() {
        float[] special = {0f, -0f, 1f, 0.1f, 1e10f, 1.5e-7f, Float.MIN_VALUE, Float.MAX_VALUE, Float.MIN_NORMAL};
        float[] infinite = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.intBitsToFloat(0xffc00001)};
        while (true) {
            float v = switch (random.nextInt(4)) {
                case 0 -> Float.intBitsToFloat(random.nextInt());
                case 1 -> infinite[random.nextInt(infinite.length)];
                case 2 -> random.nextInt(100_000) / 100f;
                default -> special[random.nextInt(special.length)];
            };
            if (!finite || Float.isFinite(v)) {
                return v;
            }
        }
    }

    private double randomDouble() {
        double[] special = {0.0, -0.0, 1, 0.1, 1e15, 1e16, 1e17, 1e-5, 1e-6, 2e23, Double.MIN_VALUE, Double.MAX_VALUE};
        double[] infinite = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        while (true) {
            double v = switch (random.nextInt(5)) {
                case 0 -> Double.longBitsToDouble(random.nextLong());
                case 1 -> infinite[random.nextInt(infinite.length)];
                case 2 -> random.nextInt(100_000) / 100.0;
                case 3 -> Double.longBitsToDouble(random.nextLong(1L << random.nextInt(1, 53)));
                default -> special[random.nextInt(special.length)];
            };
            if (!finite || Double.isFinite(v)) {
                return v;
            }
        }
    }

    /** A copy with a few bytes or lengths changed. */
    byte[] damaged(byte[] bytes) {
        byte[] out = bytes.clone();
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = out.length == 0 ? 0 : random.nextInt(out.length);
            switch (random.nextInt(5)) {
                case 0 -> out = java.util.Arrays.copyOf(out, at);
                case 1 -> out = java.util.Arrays.copyOf(out, out.length + random.nextInt(8));
                case 2 -> {
                    if (out.length - at >= 4) {
                        LittleEndian.putInt(out, at, random.nextBoolean() ? -1 : 1 << random.nextInt(31));
                    }
                }
                default -> {
                    if (out.length > 0) {
                        out[at] ^= (byte) (1 << random.nextInt(8));
                    }
                }
            }
        }
        return out;
    }
}
