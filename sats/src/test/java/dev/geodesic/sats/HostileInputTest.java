package dev.geodesic.sats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.geodesic.sats.SatsJson.Flavor;
import dev.geodesic.testkit.Seeds;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Malformed and malicious input: always a {@link BsatnException}, in time and memory that the input's size bounds. */
class HostileInputTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static void tolerates(Runnable decoder) {
        try {
            decoder.run();
        } catch (BsatnException expected) {
            assertTrue(expected.getMessage().length() < 1_000, "message must be short");
        }
    }

    private static void refuses(BsatnException.Code code, Executable decoder) {
        assertEquals(code, assertThrows(BsatnException.class, decoder).code());
    }

    /** What the first use of a class or of a string concatenation may cost. */
    private static final long SLACK = 1 << 18;

    /** Runs the decoder and checks what it allocated, whether it succeeded or not. */
    private static void allocatesAtMost(long bytes, Runnable decoder) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        tolerates(decoder);
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated <= bytes + SLACK, () -> "allocated " + allocated + " of " + bytes);
    }

    @Test
    void damagedValues() {
        Seeds.repeat(4_000, random -> {
            RandomSats sats = new RandomSats(random, false);
            AlgebraicType type = sats.type(random.nextInt(5));
            byte[] value = sats.damaged(sats.value(type));
            byte[] other = sats.value(type);
            tolerates(() -> Bsatn.skip(new BsatnReader(value), type));
            tolerates(() -> new ValueComparator(type).compare(value, other));
            tolerates(() -> new ValueComparator(type).compare(value, value));
            for (Flavor flavor : Flavor.values()) {
                tolerates(() -> SatsJson.write(type, new BsatnReader(value), new JsonWriter(16, 1 << 16), flavor));
            }
        });
    }

    @Test
    void whatSkipAcceptsCanBeWrittenAndComparesEqualToItself() {
        Seeds.repeat(4_000, random -> {
            RandomSats sats = new RandomSats(random, false);
            AlgebraicType type = sats.type(random.nextInt(4));
            byte[] value = sats.damaged(sats.value(type));
            BsatnReader in = new BsatnReader(value);
            try {
                Bsatn.skip(in, type);
            } catch (BsatnException e) {
                return;
            }
            BsatnReader a = new BsatnReader(value);
            BsatnReader b = new BsatnReader(value);
            assertEquals(0, ValueComparator.compare(type, a, b));
            assertEquals(in.position(), a.position());
            BsatnReader again = new BsatnReader(value);
            SatsJson.write(type, again, new JsonWriter(), Flavor.TYPED);
            assertEquals(in.position(), again.position());
        });
    }

    @Test
    void damagedTypesRowListsAndJson() {
        Seeds.repeat(4_000, random -> {
            RandomSats sats = new RandomSats(random, true);
            AlgebraicType type = sats.type(1 + random.nextInt(4));
            byte[] encoded = sats.damaged(TypeCodec.encode(type));
            allocatesAtMost(200L * encoded.length, () -> TypeCodec.read(new BsatnReader(encoded)));
            tolerates(() -> TypeCodec.readTypespace(new BsatnReader(encoded)));
            JsonWriter typeJson = new JsonWriter();
            TypeJson.write(type, typeJson);
            byte[] damagedTypeJson = sats.damaged(typeJson.toByteArray());
            tolerates(() -> TypeJson.read(Json.parse(damagedTypeJson)));

            byte[] value = sats.value(type);
            byte[] json = sats.damaged(SatsJson.toString(type, value, Flavor.TYPED).getBytes(StandardCharsets.UTF_8));
            tolerates(() -> SatsJson.read(type, json, new BsatnWriter()));
            RowList.Builder rows = new RowList.Builder(16).add(value).add(sats.value(type)).add(value);
            BsatnWriter list = new BsatnWriter();
            rows.build().write(list);
            byte[] damagedList = sats.damaged(list.toByteArray());
            allocatesAtMost(4L * damagedList.length, () -> walk(RowList.read(new BsatnReader(damagedList))));
        });
    }

    private static void walk(RowList list) {
        int end = 0;
        for (int i = 0; i < list.count(); i++) {
            assertEquals(end, list.rowOffset(i));
            end += list.rowLength(i);
        }
        assertEquals(list.dataLength(), end);
    }

    @Test
    void countsBeyondTheInput() {
        byte[] huge = {-1, -1, -1, -1, 0, 0};
        byte[] large = {-1, -1, -1, 127, 0, 0};
        List<AlgebraicType> types = List.of(
                PrimitiveType.STRING,
                ArrayType.BYTES,
                new ArrayType(PrimitiveType.U64),
                new ArrayType(PrimitiveType.BOOL),
                new ArrayType(PrimitiveType.STRING),
                new ArrayType(ProductType.UNIT),
                new ArrayType(SumType.NEVER),
                new ArrayType(ProductType.of(ProductElement.of("unit", ProductType.UNIT))));
        for (AlgebraicType type : types) {
            for (byte[] bytes : List.of(huge, large)) {
                Bsatn.skip(new BsatnReader(new byte[4]), type);
                assertThrows(BsatnException.class, () -> Bsatn.skip(new BsatnReader(bytes), type), type::toString);
                JsonWriter out = new JsonWriter(16, 1 << 16);
                allocatesAtMost(1 << 18, () -> SatsJson.write(type, new BsatnReader(bytes), out, Flavor.TYPED));
            }
        }
        allocatesAtMost(0, () -> TypeCodec.read(new BsatnReader(new byte[] {2, -1, -1, -1, 127})));
        allocatesAtMost(0, () -> TypeCodec.readTypespace(new BsatnReader(large)));
        allocatesAtMost(0, () -> RowList.read(new BsatnReader(new byte[] {1, -1, -1, -1, 127, 0, 0})));
        allocatesAtMost(0, () -> new BsatnReader(large).readBytes());
        allocatesAtMost(0, () -> new BsatnReader(large).readString());
    }

    @Test
    void skippingAllocatesNothing() {
        Seeds.repeat(50, random -> {
            RandomSats sats = new RandomSats(random, false);
            AlgebraicType type = sats.type(4);
            byte[] value = sats.value(type);
            BsatnReader in = new BsatnReader(value);
            Bsatn.skip(new BsatnReader(value), type);
            long before = THREADS.getCurrentThreadAllocatedBytes();
            Bsatn.skip(in, type);
            assertEquals(0, THREADS.getCurrentThreadAllocatedBytes() - before);
        });
    }

    @Test
    void deepNesting() {
        byte[] arrays = new byte[1_000_000];
        Arrays.fill(arrays, (byte) 3);
        refuses(BsatnException.Code.TOO_DEEP, () -> TypeCodec.read(new BsatnReader(arrays)));
        String brackets = "[".repeat(1_000_000);
        refuses(BsatnException.Code.TOO_DEEP, () -> Json.parse(brackets));
        refuses(BsatnException.Code.TOO_DEEP, () -> Json.parse("{\"a\":".repeat(1_000_000)));
        String deepType = "{\"Array\":".repeat(200) + "{\"U8\":[]}" + "}".repeat(200);
        refuses(BsatnException.Code.TOO_DEEP, () -> TypeJson.read(Json.parse(deepType)));

        AlgebraicType deep = PrimitiveType.U8;
        for (int i = 1; i < AlgebraicType.DEPTH_MAX; i++) {
            deep = i % 2 == 0 ? ProductType.of(ProductElement.of("field", deep)) : SpecialTypes.option(deep);
        }
        AlgebraicType deepest = Typespace.EMPTY.resolve(deep);
        assertEquals(deepest, TypeCodec.read(new BsatnReader(TypeCodec.encode(deepest))));
        JsonWriter json = new JsonWriter();
        TypeJson.write(deepest, json);
        assertEquals(deepest, TypeJson.read(Json.parse(json.toByteArray())));
        byte[] value = new byte[AlgebraicType.DEPTH_MAX / 2 + 1];
        String text = SatsJson.toString(deepest, value, Flavor.TYPED);
        BsatnWriter out = new BsatnWriter();
        SatsJson.read(deepest, text.getBytes(StandardCharsets.UTF_8), out);
        assertEquals(value.length, out.length());

        AlgebraicType tooDeep = new ArrayType(deep);
        refuses(BsatnException.Code.TOO_DEEP, () -> Typespace.EMPTY.resolve(tooDeep));
        refuses(BsatnException.Code.TOO_DEEP, () -> TypeCodec.read(new BsatnReader(TypeCodec.encode(tooDeep))));
    }

    /** Each type twice the one before: 2^40 parts in a few hundred bytes. */
    @Test
    void expansionOfATypespaceIsBounded() {
        List<AlgebraicType> types = new ArrayList<>(List.of(PrimitiveType.U8));
        for (int i = 0; i < 40; i++) {
            AlgebraicType ref = new AlgebraicType.Ref(i);
            types.add(ProductType.of(ProductElement.of("a", ref), ProductElement.of("b", ref)));
        }
        TypeResolver resolver = new Typespace(types).resolver();
        assertTimeout(Duration.ofSeconds(5), () -> {
            for (int i = 0; i <= 40; i++) {
                AlgebraicType ref = new AlgebraicType.Ref(i);
                if (i < 15) {
                    resolver.resolve(ref);
                } else if (i > 15) {
                    refuses(BsatnException.Code.TOO_LARGE, () -> resolver.resolve(ref));
                }
            }
        });
    }

    /** A name in a part that is used a thousand times is written a thousand times wherever the type is shown. */
    @Test
    void namesOfAnExpansionAreBounded() {
        List<ProductElement> elements = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            elements.add(ProductElement.of("e" + i, new AlgebraicType.Ref(0)));
        }
        AlgebraicType named = ProductType.of(ProductElement.of("n".repeat(2_000), PrimitiveType.U8));
        Typespace typespace = new Typespace(List.of(named));
        refuses(BsatnException.Code.TOO_LARGE, () -> typespace.resolve(new ProductType(elements)));
        typespace.resolve(new ProductType(elements.subList(0, 500)));
    }

    /** A value of one byte must not stand for thousands of empty parts, nor an array of four bytes for billions. */
    @Test
    void workIsBoundedByBytes() {
        List<ProductElement> units = new ArrayList<>();
        for (int i = 0; i <= TypeResolver.UNIT_ELEMENTS_MAX; i++) {
            units.add(ProductElement.of("u" + i, ProductType.UNIT));
        }
        refuses(BsatnException.Code.TOO_LARGE, () -> Typespace.EMPTY.resolve(new ProductType(units)));
        Typespace.EMPTY.resolve(new ProductType(units.subList(1, units.size())));

        ArrayType emptyArray = new ArrayType(ProductType.UNIT);
        byte[] count = new byte[4];
        LittleEndian.putInt(count, 0, Bsatn.EMPTY_VALUES_MAX);
        Bsatn.skip(new BsatnReader(count), emptyArray);
        LittleEndian.putInt(count, 0, Bsatn.EMPTY_VALUES_MAX + 1);
        refuses(BsatnException.Code.TOO_LARGE, () -> Bsatn.skip(new BsatnReader(count), emptyArray));
        LittleEndian.putInt(count, 0, Integer.MAX_VALUE);
        assertTimeout(Duration.ofSeconds(2), () -> assertEquals(0, new ValueComparator(emptyArray).compare(count, count)));
        refuses(
                BsatnException.Code.TOO_LARGE,
                () -> SatsJson.write(emptyArray, new BsatnReader(count), new JsonWriter(16, 1 << 20), Flavor.UNTYPED));
    }

    @Test
    void jsonTreesAreBounded() {
        Supplier<byte[]> text = () -> ("[" + "[],".repeat(100_000) + "[]]").getBytes(StandardCharsets.UTF_8);
        byte[] many = text.get();
        refuses(BsatnException.Code.TOO_LARGE, () -> Json.parse(many, 0, many.length, 1_000));
        allocatesAtMost(100L * many.length, () -> Json.parse(many));
        String digits = "1".repeat(2_000_000);
        for (PrimitiveType p : PrimitiveType.values()) {
            if (p != PrimitiveType.F32 && p != PrimitiveType.F64) {
                assertTimeout(Duration.ofSeconds(2), () -> assertThrows(
                        BsatnException.class, () -> SatsJson.read(p, Json.parse(digits), new BsatnWriter())));
            }
        }
        assertTimeout(Duration.ofSeconds(2), () -> assertThrows(
                BsatnException.class, () -> SatsJson.read(PrimitiveType.F64, Json.parse(digits), new BsatnWriter())));
        assertTimeout(Duration.ofSeconds(2), () -> assertThrows(
                BsatnException.class,
                () -> SatsJson.read(PrimitiveType.U256, Json.parse("\"0x" + digits + "\""), new BsatnWriter())));
    }

    @Test
    void references() {
        Typespace typespace = new Typespace(List.of(
                new ArrayType(new AlgebraicType.Ref(0)),
                new AlgebraicType.Ref(2),
                new AlgebraicType.Ref(1),
                ProductType.of(ProductElement.of("a", new AlgebraicType.Ref(4))),
                PrimitiveType.I32));
        for (int bad : new int[] {0, 1, 2, 5, -1}) {
            refuses(BsatnException.Code.UNRESOLVED_REF, () -> typespace.resolve(new AlgebraicType.Ref(bad)));
        }
        ProductType expected = ProductType.of(ProductElement.of("a", PrimitiveType.I32));
        assertEquals(expected, typespace.resolve(new AlgebraicType.Ref(3)));
        // A failure must not poison what the same resolver is asked later.
        TypeResolver resolver = typespace.resolver();
        refuses(BsatnException.Code.UNRESOLVED_REF, () -> resolver.resolve(new AlgebraicType.Ref(1)));
        refuses(BsatnException.Code.UNRESOLVED_REF, () -> resolver.resolve(new AlgebraicType.Ref(1)));
        assertEquals(expected, resolver.resolve(new AlgebraicType.Ref(3)));
        refuses(BsatnException.Code.UNRESOLVED_REF, () -> Bsatn.skip(new BsatnReader(new byte[9]), new AlgebraicType.Ref(0)));
    }
}
