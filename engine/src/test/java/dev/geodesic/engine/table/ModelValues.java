package dev.geodesic.engine.table;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * The oracle: decoded values, with encoding, decoding and order written down plainly. Bool is Boolean, integers are
 * BigInteger, floats Double, String is String, arrays and products are lists, sums are {@link Tagged}.
 */
public final class ModelValues {

    public record Tagged(int tag, Object payload) {
    }

    private static final String[] TEXTS = {
        "", "a", "ab", "ab\0", "user-000001", "user-000002", "user-000000000001",
        "user-000000000002", "user-000000000002!", "user-00000", "\u00e9", "\uffff", "\ud83d\ude00", "zzzzzzzzzzzzzzzz"
    };
    private static final double[] DOUBLES = {
        0.0, -0.0, 1, -1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Float.MIN_VALUE, -2.5, Float.MAX_VALUE
    };

    private ModelValues() {
    }

    static long seed() {
        return Long.getLong("geodesic.seed", System.nanoTime());
    }

    public static AlgebraicType randomType(Random random, int depth) {
        PrimitiveType[] primitives = PrimitiveType.values();
        int kind = depth == 0 ? 0 : random.nextInt(10);
        return switch (kind) {
            case 7 -> new ArrayType(randomType(random, depth - 1));
            case 8 -> randomProduct(random, random.nextInt(4), depth - 1);
            case 9 -> {
                List<SumVariant> variants = new ArrayList<>();
                for (int i = random.nextInt(4) + 1; i > 0; i--) {
                    AlgebraicType payload = random.nextBoolean() ? ProductType.UNIT : randomType(random, depth - 1);
                    variants.add(new SumVariant(Optional.empty(), payload));
                }
                yield new SumType(variants);
            }
            default -> primitives[random.nextInt(primitives.length)];
        };
    }

    static ProductType randomProduct(Random random, int elements, int depth) {
        List<ProductElement> list = new ArrayList<>();
        for (int i = 0; i < elements; i++) {
            list.add(ProductElement.of("c" + i, randomType(random, depth)));
        }
        return new ProductType(list);
    }

    /** Values collide often: a small range, edges, and texts with common prefixes. */
    public static Object randomValue(AlgebraicType type, Random random) {
        return switch (type) {
            case PrimitiveType p when p == PrimitiveType.BOOL -> random.nextBoolean();
            case PrimitiveType p when p == PrimitiveType.STRING ->
                    random.nextInt(3) > 0 ? TEXTS[random.nextInt(TEXTS.length)] : "user-" + random.nextInt(1000);
            case PrimitiveType p when p == PrimitiveType.F32 || p == PrimitiveType.F64 ->
                    random.nextInt(3) > 0 ? DOUBLES[random.nextInt(DOUBLES.length)] : (double) (float) random.nextGaussian();
            case PrimitiveType p -> {
                int bits = p.byteSize() * 8;
                BigInteger v = switch (random.nextInt(4)) {
                    case 0 -> new BigInteger(bits, random);
                    case 1 -> BigInteger.ONE.shiftLeft(random.nextInt(bits));
                    default -> BigInteger.valueOf(random.nextInt(20))
                            .subtract(p.isSignedInteger() ? BigInteger.TEN : BigInteger.ZERO);
                };
                yield wrap(v, p);
            }
            case ArrayType a -> {
                List<Object> list = new ArrayList<>();
                for (int i = random.nextInt(random.nextInt(8) == 0 ? 40 : 4); i > 0; i--) {
                    list.add(randomValue(a.element(), random));
                }
                yield list;
            }
            case ProductType p -> p.elements().stream().map(e -> randomValue(e.type(), random)).toList();
            case SumType s -> {
                int tag = random.nextInt(s.variants().size());
                yield new Tagged(tag, randomValue(s.variants().get(tag).type(), random));
            }
            case AlgebraicType.Ref r -> throw new AssertionError();
        };
    }

    private static BigInteger wrap(BigInteger v, PrimitiveType type) {
        int bits = type.byteSize() * 8;
        BigInteger low = v.mod(BigInteger.ONE.shiftLeft(bits));
        return type.isSignedInteger() && low.testBit(bits - 1) ? low.subtract(BigInteger.ONE.shiftLeft(bits)) : low;
    }

    public static byte[] encode(AlgebraicType type, Object value) {
        BsatnWriter out = new BsatnWriter();
        encode(type, value, out);
        return out.toByteArray();
    }

    static void encode(AlgebraicType type, Object value, BsatnWriter out) {
        switch (type) {
            case PrimitiveType p when p == PrimitiveType.BOOL -> out.writeBool((Boolean) value);
            case PrimitiveType p when p == PrimitiveType.STRING -> out.writeString((String) value);
            case PrimitiveType p when p == PrimitiveType.F32 -> out.writeF32((float) (double) value);
            case PrimitiveType p when p == PrimitiveType.F64 -> out.writeF64((double) value);
            case PrimitiveType p -> {
                for (int i = 0; i < p.byteSize(); i++) {
                    out.writeU8(((BigInteger) value).shiftRight(8 * i).intValue());
                }
            }
            case ArrayType a -> {
                out.writeU32(((List<?>) value).size());
                ((List<?>) value).forEach(v -> encode(a.element(), v, out));
            }
            case ProductType p -> {
                for (int i = 0; i < p.elements().size(); i++) {
                    encode(p.elements().get(i).type(), ((List<?>) value).get(i), out);
                }
            }
            case SumType s -> {
                Tagged t = (Tagged) value;
                out.writeU8(t.tag);
                encode(s.variants().get(t.tag).type(), t.payload, out);
            }
            case AlgebraicType.Ref r -> throw new AssertionError();
        }
    }

    /** Passes one value; BsatnException if there is none. */
    static void decode(AlgebraicType type, BsatnReader in) {
        switch (type) {
            case PrimitiveType p when p == PrimitiveType.BOOL -> in.readBool();
            case PrimitiveType p when p == PrimitiveType.STRING -> in.readString();
            case PrimitiveType p -> in.skip(p.byteSize());
            case ArrayType a -> {
                long count = in.readU32() & 0xffffffffL;
                boolean unit = encode(a.element(), randomValueOrNull(a.element())).length == 0;
                for (long i = 0; i < count && !unit; i++) {
                    decode(a.element(), in);
                }
            }
            case ProductType p -> p.elements().forEach(e -> decode(e.type(), in));
            case SumType s -> {
                int tag = in.readU8();
                if (tag >= s.variants().size()) {
                    throw new BsatnException(BsatnException.Code.BAD_TAG, "tag");
                }
                decode(s.variants().get(tag).type(), in);
            }
            case AlgebraicType.Ref r -> throw new AssertionError();
        }
    }

    private static Object randomValueOrNull(AlgebraicType type) {
        return randomValue(type, new Random(1));
    }

    static int compare(AlgebraicType type, Object a, Object b) {
        return switch (type) {
            case PrimitiveType p when p == PrimitiveType.BOOL -> Boolean.compare((Boolean) a, (Boolean) b);
            case PrimitiveType p when p == PrimitiveType.STRING -> Arrays.compareUnsigned(
                    ((String) a).getBytes(StandardCharsets.UTF_8), ((String) b).getBytes(StandardCharsets.UTF_8));
            case PrimitiveType p when p == PrimitiveType.F32 || p == PrimitiveType.F64 -> {
                double x = (Double) a;
                double y = (Double) b;
                yield Double.isNaN(x) || Double.isNaN(y)
                        ? Boolean.compare(Double.isNaN(x), Double.isNaN(y))
                        : x < y ? -1 : x > y ? 1 : 0;
            }
            case PrimitiveType p -> ((BigInteger) a).compareTo((BigInteger) b);
            case ArrayType t -> {
                List<?> x = (List<?>) a;
                List<?> y = (List<?>) b;
                for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                    int c = compare(t.element(), x.get(i), y.get(i));
                    if (c != 0) {
                        yield c;
                    }
                }
                yield Integer.compare(x.size(), y.size());
            }
            case ProductType p -> {
                for (int i = 0; i < p.elements().size(); i++) {
                    int c = compare(p.elements().get(i).type(), ((List<?>) a).get(i), ((List<?>) b).get(i));
                    if (c != 0) {
                        yield c;
                    }
                }
                yield 0;
            }
            case SumType s -> {
                Tagged x = (Tagged) a;
                Tagged y = (Tagged) b;
                yield x.tag != y.tag ? Integer.compare(x.tag, y.tag)
                        : compare(s.variants().get(x.tag).type(), x.payload, y.payload);
            }
            case AlgebraicType.Ref r -> throw new AssertionError();
        };
    }
}
