package dev.geodesic.engine.query;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * Test oracle: rows as Java objects (Boolean, BigInteger, Double, String, List), compared in the plainest way. Shares no
 * code with the engine's comparison.
 */
final class NaiveValues {

    private NaiveValues() {
    }

    static List<Object> decodeRow(ProductType type, byte[] row) {
        BsatnReader in = new BsatnReader(row);
        List<Object> values = new ArrayList<>();
        for (ProductElement element : type.elements()) {
            values.add(decode(element.type(), in));
        }
        if (in.remaining() != 0) {
            throw new AssertionError(in.remaining() + " bytes behind the row");
        }
        return values;
    }

    static Object decode(AlgebraicType type, BsatnReader in) {
        return switch (type) {
            case PrimitiveType p -> switch (p) {
                case STRING -> in.readString();
                case BOOL -> in.readBool();
                case F32 -> (double) in.readF32();
                case F64 -> in.readF64();
                default -> integer(in.readRaw(p.byteSize()), p.isSignedInteger());
            };
            case ArrayType a -> {
                List<Object> items = new ArrayList<>();
                int count = in.readCount(0);
                for (int i = 0; i < count; i++) {
                    items.add(decode(a.element(), in));
                }
                yield items;
            }
            case ProductType p -> p.elements().stream().map(e -> decode(e.type(), in)).toList();
            case SumType s -> {
                int tag = in.readU8();
                yield List.of(BigInteger.valueOf(tag), decode(s.variants().get(tag).type(), in));
            }
            case AlgebraicType.Ref r -> throw new AssertionError("reference in a row type");
        };
    }

    private static BigInteger integer(byte[] littleEndian, boolean signed) {
        byte[] big = new byte[littleEndian.length];
        for (int i = 0; i < big.length; i++) {
            big[i] = littleEndian[big.length - 1 - i];
        }
        return signed ? new BigInteger(big) : new BigInteger(1, big);
    }

    static int compare(Object a, Object b) {
        return switch (a) {
            case Boolean x -> x.compareTo((Boolean) b);
            case BigInteger x -> x.compareTo((BigInteger) b);
            case Double x -> {
                double y = (Double) b;
                yield Double.compare(x == 0 ? 0.0 : x, y == 0 ? 0.0 : y);
            }
            case String x -> codePoints(x, (String) b);
            case List<?> x -> {
                List<?> y = (List<?>) b;
                for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                    int c = compare(x.get(i), y.get(i));
                    if (c != 0) {
                        yield c;
                    }
                }
                yield Integer.compare(x.size(), y.size());
            }
            default -> throw new AssertionError(a.getClass());
        };
    }

    /** The same for values that are equal. */
    static Object normal(Object value) {
        return switch (value) {
            case Double d -> d == 0 ? 0.0 : d;
            case List<?> l -> l.stream().map(NaiveValues::normal).toList();
            default -> value;
        };
    }

    private static int codePoints(String a, String b) {
        int[] x = a.codePoints().toArray();
        int[] y = b.codePoints().toArray();
        for (int i = 0; i < Math.min(x.length, y.length); i++) {
            if (x[i] != y[i]) {
                return Integer.compare(x[i], y[i]);
            }
        }
        return Integer.compare(x.length, y.length);
    }
}
