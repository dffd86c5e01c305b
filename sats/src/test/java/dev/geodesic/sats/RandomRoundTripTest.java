package dev.geodesic.sats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.sats.SatsJson.Flavor;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RandomRoundTripTest {

    @Test
    @Proves("bsatn.md 1")
    @Proves("bsatn.md 3")
    @Proves("bsatn.md 6.3")
    void typesThroughBytesJsonAndResolution() {
        Seeds.repeat(2_000, random -> {
            AlgebraicType type = new RandomSats(random, false).type(1 + random.nextInt(5));
            BsatnReader in = new BsatnReader(TypeCodec.encode(type));
            assertEquals(type, TypeCodec.read(in));
            assertEquals(0, in.remaining());
            JsonWriter json = new JsonWriter();
            TypeJson.write(type, json);
            assertEquals(type, TypeJson.read(Json.parse(json.toByteArray())));
            assertEquals(type, Typespace.EMPTY.resolve(type));
        });
    }

    @Test
    @Proves("bsatn.md 6.1")
    @Proves("bsatn.md 6.2")
    void valuesThroughEveryFormOfJson() {
        Seeds.repeat(3_000, random -> {
            RandomSats sats = new RandomSats(random, true);
            AlgebraicType type = sats.type(random.nextInt(5));
            byte[] value = sats.value(type);
            Bsatn.check(type, value, 0, value.length);
            for (Flavor flavor : Flavor.values()) {
                JsonWriter json = new JsonWriter();
                BsatnReader in = new BsatnReader(value);
                SatsJson.write(type, in, json, flavor);
                assertEquals(0, in.remaining());
                BsatnWriter out = new BsatnWriter();
                SatsJson.read(type, json.toByteArray(), out);
                assertArrayEquals(value, out.toByteArray(), json::toString);
            }
        });
    }

    @Test
    void orderIsTotal() {
        Seeds.repeat(500, random -> {
            RandomSats sats = new RandomSats(random, false);
            AlgebraicType type = sats.type(random.nextInt(4));
            ValueComparator order = new ValueComparator(type);
            List<byte[]> values = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                values.add(sats.value(type));
            }
            for (byte[] a : values) {
                assertEquals(0, order.compare(a, a));
                for (byte[] b : values) {
                    int ab = Integer.signum(order.compare(a, b));
                    assertEquals(-ab, Integer.signum(order.compare(b, a)));
                    for (byte[] c : values) {
                        int bc = Integer.signum(order.compare(b, c));
                        if (ab == bc || bc == 0) {
                            assertEquals(ab, Integer.signum(order.compare(a, c)));
                        }
                    }
                }
            }
        });
    }

    @Test
    @Proves("websocket.md 4")
    void rowLists() {
        Seeds.repeat(1_000, random -> {
            RandomSats sats = new RandomSats(random, false);
            AlgebraicType type = sats.type(random.nextInt(3));
            RowList.Builder builder = new RowList.Builder(4);
            List<byte[]> rows = new ArrayList<>();
            int count = random.nextInt(random.nextBoolean() ? 4 : 60);
            for (int i = 0; i < count; i++) {
                byte[] row = sats.value(type);
                rows.add(row);
                if (random.nextBoolean()) {
                    builder.add(row);
                } else {
                    int start = builder.dataLength();
                    builder.data().writeRaw(row);
                    builder.ended(start);
                }
            }
            assertEquals(count, builder.count());
            RowList built = builder.build();
            BsatnWriter out = new BsatnWriter();
            built.write(out);
            assertEquals(built.encodedLength(), out.length());
            BsatnReader in = new BsatnReader(out.buffer(), 0, out.length());
            RowList read = RowList.read(in);
            assertEquals(0, in.remaining());
            boolean sameLength = rows.stream().mapToInt(r -> r.length).distinct().count() == 1;
            for (RowList list : List.of(built, read)) {
                assertEquals(count, list.count());
                assertEquals(sameLength ? rows.getFirst().length : 0, list.fixedRowSize());
                for (int i = 0; i < count; i++) {
                    int from = list.rowOffset(i);
                    assertArrayEquals(rows.get(i), java.util.Arrays.copyOfRange(list.data(), from, from + list.rowLength(i)));
                }
            }
        });
    }

    @Test
    void floatTextIsShortest() {
        Seeds.repeat(20_000, random -> {
            double v = Double.longBitsToDouble(random.nextLong() >>> (random.nextBoolean() ? 1 : 1 + random.nextInt(63)));
            if (Double.isFinite(v)) {
                String text = FloatText.of(v);
                assertEquals(v, Double.parseDouble(text));
                assertTrue(text.contains(".") || text.contains("e"), text);
                assertTrue(significant(text) <= significant(Double.toString(v)), text);
            }
            float f = Float.intBitsToFloat(random.nextInt() >>> (random.nextBoolean() ? 1 : 1 + random.nextInt(31)));
            if (Float.isFinite(f)) {
                assertEquals(f, Float.parseFloat(FloatText.of(f)));
                assertEquals("-" + FloatText.of(f), FloatText.of(-f));
            }
        });
    }

    private static int significant(String text) {
        String digits = text.replaceAll("[eE].*", "").replace(".", "").replaceAll("^0+", "").replaceAll("0+$", "");
        return digits.length();
    }
}
