package dev.geodesic.engine.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowLayoutTest {

    private static MemorySegment hex(String hex) {
        return MemorySegment.ofArray(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    private static RowLayout layout(AlgebraicType... columns) {
        return RowLayout.of(new ProductType(
                Arrays.stream(columns).map(c -> ProductElement.of("c", c)).toList()));
    }

    private static void refused(RowLayout layout, String hex) {
        MemorySegment s = hex(hex);
        EngineException e = assertThrows(EngineException.class, () -> layout.validate(s, 0, s.byteSize()), hex);
        assertEquals(ErrorCode.BSATN_DECODE_ERROR, e.code());
    }

    @Test
    void randomRowsReadBackAndTruncatedOnesAreRefused() {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        for (int round = 0; round < 400; round++) {
            ProductType type = ModelValues.randomProduct(random, random.nextInt(7), 3);
            RowLayout layout = RowLayout.of(type);
            String at = "seed " + seed + " round " + round + " " + type;
            for (int k = 0; k < 5; k++) {
                List<?> row = (List<?>) ModelValues.randomValue(type, random);
                byte[] bytes = ModelValues.encode(type, row);
                byte[] padded = new byte[bytes.length + 11];
                random.nextBytes(padded);
                System.arraycopy(bytes, 0, padded, 3, bytes.length);
                MemorySegment s = MemorySegment.ofArray(padded);
                assertEquals(bytes.length, layout.validate(s, 3, padded.length - 3), at);
                assertEquals(bytes.length, layout.validate(s, 3, bytes.length), at);
                assertEquals(bytes.length, layout.length(s, 3), at);
                if (layout.fixedLength().isPresent()) {
                    assertEquals(OptionalInt.of(bytes.length), layout.fixedLength(), at);
                }
                int offset = 3;
                for (int c = 0; c < type.elements().size(); c++) {
                    int length = ModelValues.encode(type.elements().get(c).type(), row.get(c)).length;
                    assertEquals(offset, layout.columnOffset(s, 3, c), at);
                    assertEquals(length, layout.columnLength(s, 3, c), at);
                    offset += length;
                }
                if (bytes.length > 0) {
                    int cut = random.nextInt(bytes.length);
                    EngineException e = assertThrows(EngineException.class, () -> layout.validate(s, 3, cut), at);
                    assertEquals(ErrorCode.BSATN_DECODE_ERROR, e.code(), at);
                }
            }
        }
    }

    @Test
    void damagedRowsAreRefusedExactlyWhenNotDecodable() {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        for (int round = 0; round < 3000; round++) {
            ProductType type = ModelValues.randomProduct(random, 1 + random.nextInt(4), 3);
            byte[] bytes = ModelValues.encode(type, ModelValues.randomValue(type, random));
            for (int k = 0; k < 3 && bytes.length > 0; k++) {
                bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? random.nextInt(4) : random.nextInt());
            }
            String at = "seed " + seed + " round " + round + " " + type + " " + HexFormat.of().formatHex(bytes);
            int expected = -1;
            try {
                BsatnReader in = new BsatnReader(bytes);
                ModelValues.decode(type, in);
                expected = in.position();
            } catch (BsatnException e) {
                // stays -1
            }
            int actual = -1;
            try {
                actual = RowLayout.of(type).validate(MemorySegment.ofArray(bytes), 0, bytes.length);
            } catch (EngineException e) {
                assertEquals(ErrorCode.BSATN_DECODE_ERROR, e.code(), at);
            } catch (RuntimeException e) {
                fail(at, e);
            }
            assertEquals(expected, actual, at);
        }
    }

    @Test
    void refusesBadBytes() {
        refused(layout(PrimitiveType.BOOL), "02");
        refused(layout(PrimitiveType.BOOL), "");
        refused(layout(PrimitiveType.U32), "010203");
        refused(layout(new SumType(List.of(SumVariant.of("a", ProductType.UNIT)))), "01");
        refused(layout(SumType.NEVER), "00");
        refused(layout(PrimitiveType.STRING), "02000000 61");
        refused(layout(PrimitiveType.STRING), "ffffffff 61");
        refused(layout(new ArrayType(PrimitiveType.U64)), "ffffffff 00");
        refused(layout(new ArrayType(new ArrayType(PrimitiveType.U8))), "ffffffff 00000000 00000000");
    }

    @Test
    void acceptsExactlyUtf8() {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        RowLayout layout = layout(PrimitiveType.STRING);
        int valid = 0;
        for (int round = 0; round < 60_000; round++) {
            byte[] text;
            if (round % 3 == 0) {
                text = new byte[random.nextInt(12)];
                random.nextBytes(text);
            } else {
                StringBuilder sb = new StringBuilder("x".repeat(random.nextInt(10)));
                sb.appendCodePoint(random.nextInt(0x110000)).appendCodePoint(random.nextInt(0x900));
                text = sb.toString().getBytes(StandardCharsets.UTF_8);
                if (round % 3 == 1 && text.length > 0) {
                    text[random.nextInt(text.length)] = (byte) random.nextInt();
                }
            }
            byte[] row = ByteBuffer.allocate(4 + text.length).order(ByteOrder.LITTLE_ENDIAN).putInt(text.length).put(text)
                    .array();
            boolean expected;
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
                expected = true;
                valid++;
            } catch (CharacterCodingException e) {
                expected = false;
            }
            boolean actual;
            try {
                layout.validate(MemorySegment.ofArray(row), 0, row.length);
                actual = true;
            } catch (EngineException e) {
                actual = false;
            }
            assertEquals(expected, actual, () -> "seed " + seed + " " + HexFormat.of().formatHex(text));
        }
        assertTrue(valid > 10_000);
    }

    @Test
    void hugeCountsOfNothingTakeNoTime() {
        RowLayout layout = layout(new ArrayType(ProductType.UNIT), PrimitiveType.U8,
                new ArrayType(new ArrayType(ProductType.UNIT)));
        MemorySegment s = hex("ffffffff 07 02000000 ffffffff feffffff");
        assertTimeout(Duration.ofSeconds(1), () -> {
            assertEquals(s.byteSize(), layout.validate(s, 0, s.byteSize()));
            assertEquals(5, layout.columnOffset(s, 0, 2));
            for (int c = 0; c < 3; c++) {
                TypeLayout column = layout.column(c);
                long at = layout.columnOffset(s, 0, c);
                assertEquals(0, column.compare(s, at, s, at));
                column.hash(s, at, 0);
                column.prefix(s, at);
            }
        });
    }

    @Test
    void refusesTypesThatNestTooDeep() {
        AlgebraicType deep = PrimitiveType.U8;
        for (int i = 0; i < 100_000; i++) {
            deep = i % 2 == 0 ? new ArrayType(deep) : ProductType.of(ProductElement.of("x", deep));
        }
        AlgebraicType type = deep;
        assertEquals(ErrorCode.LIMIT_EXCEEDED, assertThrows(EngineException.class, () -> layout(type)).code());
        // Deep through sharing: the inner part is met at a small depth first.
        AlgebraicType chain = PrimitiveType.STRING;
        for (int part = 0; part < 8; part++) {
            AlgebraicType inner = chain;
            for (int i = 0; i < 60; i++) {
                chain = new ArrayType(chain);
            }
            chain = ProductType.of(ProductElement.of("a", inner), ProductElement.of("b", chain));
        }
        AlgebraicType shared = chain;
        assertEquals(ErrorCode.LIMIT_EXCEEDED, assertThrows(EngineException.class, () -> layout(shared)).code());
    }

    @Test
    void typesThatUnfoldExponentiallyCompileAtOnce() {
        AlgebraicType type = ProductType.UNIT;
        AlgebraicType bytes = PrimitiveType.U64;
        for (int i = 0; i < 60; i++) {
            type = ProductType.of(ProductElement.of("a", type), ProductElement.of("b", type));
            bytes = ProductType.of(ProductElement.of("a", bytes), ProductElement.of("b", bytes));
        }
        AlgebraicType units = type;
        AlgebraicType words = bytes;
        assertTimeout(Duration.ofSeconds(2), () -> {
            assertEquals(OptionalInt.of(1), layout(units, PrimitiveType.U8).fixedLength());
            refused(layout(words), "00");
        });
    }

    @Test
    void comparesHashesAndPrefixesLikeTheModel() {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        for (int round = 0; round < 1500; round++) {
            AlgebraicType type = ModelValues.randomType(random, 3);
            RowLayout rows = layout(type);
            TypeLayout layout = rows.column(0);
            for (int k = 0; k < 20; k++) {
                Object x = ModelValues.randomValue(type, random);
                Object y = random.nextInt(4) == 0 ? x : ModelValues.randomValue(type, random);
                MemorySegment a = MemorySegment.ofArray(ModelValues.encode(type, x));
                MemorySegment b = MemorySegment.ofArray(ModelValues.encode(type, y));
                int expected = Integer.signum(ModelValues.compare(type, x, y));
                String at = "seed " + seed + " " + type + " " + x + " " + y;
                assertEquals(expected, Integer.signum(layout.compare(a, 0, b, 0)), at);
                assertEquals(expected == 0, layout.equal(a, 0, b, 0), at);
                int prefixes = Long.compareUnsigned(layout.prefix(a, 0), layout.prefix(b, 0));
                if (layout.prefixExact || prefixes != 0) {
                    assertEquals(expected, Integer.signum(prefixes), at);
                }
                if (expected == 0) {
                    assertEquals(layout.hash(a, 0, 5), layout.hash(b, 0, 5), at);
                }
                int seconds = Long.compareUnsigned(layout.second(a, 0), layout.second(b, 0));
                if (!layout.prefixExact && prefixes == 0 && seconds != 0) {
                    assertEquals(expected, Integer.signum(seconds), at);
                }
                if (layout.prefixBits < 64) {
                    assertEquals(0, layout.prefix(a, 0) << layout.prefixBits, at);
                }
            }
        }
    }

    @Test
    void sameBytesAndHashLookAtEveryByte() {
        long seed = ModelValues.seed();
        Random random = new Random(seed);
        RowLayout layout = layout(PrimitiveType.STRING);
        for (int length = 0; length < 300; length++) {
            byte[] x = new byte[length + 5];
            random.nextBytes(x);
            byte[] y = new byte[length + 9];
            System.arraycopy(x, 2, y, 7, length);
            MemorySegment a = MemorySegment.ofArray(x);
            MemorySegment b = MemorySegment.ofArray(y);
            assertTrue(RowLayout.sameBytes(a, 2, b, 7, length));
            assertEquals(layout.hash(a, 2, length), layout.hash(b, 7, length));
            for (int i = 0; i < length; i++) {
                y[7 + i] ^= 0x10;
                assertFalse(RowLayout.sameBytes(a, 2, b, 7, length), "seed " + seed + " " + length + " " + i);
                assertTrue(layout.hash(a, 2, length) != layout.hash(b, 7, length), "seed " + seed + " " + length + " " + i);
                y[7 + i] ^= 0x10;
            }
        }
    }
}
