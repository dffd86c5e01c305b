package dev.geodesic.sats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The corners of spec/bsatn.md section 5; the bulk is in the golden vectors. */
class ValueComparatorTest {

    private static byte[] json(AlgebraicType type, String text) {
        BsatnWriter out = new BsatnWriter();
        SatsJson.read(type, Json.parse(text), out);
        return out.toByteArray();
    }

    /** Checks that the texts are in rising order. */
    private static void rising(AlgebraicType type, String... texts) {
        ValueComparator order = new ValueComparator(type);
        for (int i = 0; i < texts.length; i++) {
            for (int k = 0; k < texts.length; k++) {
                int compared = order.compare(json(type, texts[i]), json(type, texts[k]));
                assertEquals(Integer.compare(i, k), Integer.signum(compared), texts[i] + " and " + texts[k]);
            }
        }
    }

    @Test
    @Proves("bsatn.md 5")
    void numbers() {
        rising(PrimitiveType.BOOL, "false", "true");
        rising(PrimitiveType.I8, "-128", "-1", "0", "127");
        rising(PrimitiveType.U8, "0", "127", "128", "255");
        rising(PrimitiveType.I16, "-32768", "-1", "0", "256", "32767");
        rising(PrimitiveType.U16, "1", "256", "32768", "65535");
        rising(PrimitiveType.I32, "-2147483648", "-1", "0", "2147483647");
        rising(PrimitiveType.U32, "0", "2147483647", "2147483648", "4294967295");
        rising(PrimitiveType.I64, "-9223372036854775808", "-1", "0", "9223372036854775807");
        rising(PrimitiveType.U64, "0", "9223372036854775807", "9223372036854775808", "18446744073709551615");
        rising(PrimitiveType.I128, "-18446744073709551616", "-1", "0", "9223372036854775808", "18446744073709551616");
        rising(PrimitiveType.U128, "0", "18446744073709551615", "18446744073709551616");
        String top = "f".repeat(63);
        rising(PrimitiveType.I256, "\"-0x7" + top + "\"", "\"-0x1\"", "\"0x0\"", "\"0x7" + top + "\"");
        rising(PrimitiveType.U256, "\"0x0\"", "\"0x7" + top + "\"", "\"0xf" + top + "\"");
    }

    @Test
    @Proves("bsatn.md 5")
    void compounds() {
        // As UTF-16 code units the last two would be the other way round.
        rising(PrimitiveType.STRING, "\"\"", "\"a\"", "\"aa\"", "\"b\"", "\"\uffff\"", "\"\ud834\udd1e\"");
        rising(ArrayType.BYTES, "\"\"", "\"00\"", "\"0000\"", "\"7f\"", "\"80\"", "\"ff\"");
        rising(new ArrayType(PrimitiveType.I8), "[]", "[-1]", "[-1,5]", "[0]", "[127]");
        rising(new ArrayType(ProductType.UNIT), "[]", "[[]]", "[[],[]]");
        rising(SpecialTypes.option(PrimitiveType.I32), "[0,-5]", "[0,5]", "null");
        ProductType pair =
                ProductType.of(ProductElement.of("a", PrimitiveType.STRING), ProductElement.of("b", PrimitiveType.I32));
        rising(pair, "[\"\",9]", "[\"a\",-1]", "[\"a\",1]", "[\"b\",-9]");
    }

    @Test
    @Proves("bsatn.md 5")
    void floats() {
        List<double[]> classes = List.of(
                new double[] {Double.NEGATIVE_INFINITY},
                new double[] {-Double.MAX_VALUE},
                new double[] {-Float.MIN_VALUE},
                new double[] {0.0, -0.0},
                new double[] {Float.MIN_VALUE},
                new double[] {1},
                new double[] {Double.POSITIVE_INFINITY},
                new double[] {Double.NaN, Double.longBitsToDouble(0xfff8000000000001L)});
        for (int i = 0; i < classes.size(); i++) {
            for (int k = 0; k < classes.size(); k++) {
                for (double a : classes.get(i)) {
                    for (double b : classes.get(k)) {
                        assertEquals(Integer.compare(i, k), ValueComparator.compareDoubles(a, b), a + " and " + b);
                    }
                }
            }
        }
        BsatnWriter zero = new BsatnWriter();
        zero.writeF32(0f);
        BsatnWriter minusZero = new BsatnWriter();
        minusZero.writeF32(-0f);
        ValueComparator order = new ValueComparator(PrimitiveType.F32);
        assertEquals(0, order.compare(zero.toByteArray(), minusZero.toByteArray()));
        BsatnWriter nan = new BsatnWriter();
        nan.writeU32(0xffc00001);
        BsatnWriter infinity = new BsatnWriter();
        infinity.writeF32(Float.POSITIVE_INFINITY);
        assertTrue(order.compare(nan.toByteArray(), infinity.toByteArray()) > 0);
    }
}
