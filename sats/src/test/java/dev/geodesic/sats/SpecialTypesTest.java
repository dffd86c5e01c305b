package dev.geodesic.sats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SpecialTypesTest {

    @Test
    @Proves("bsatn.md 4")
    void areKnownByStructureAlone() {
        for (AlgebraicType type : List.of(
                SpecialTypes.IDENTITY,
                SpecialTypes.CONNECTION_ID,
                SpecialTypes.TIMESTAMP,
                SpecialTypes.TIME_DURATION,
                SpecialTypes.UUID,
                SpecialTypes.SCHEDULE_AT,
                ProductType.UNIT,
                SumType.NEVER,
                SpecialTypes.option(PrimitiveType.U8),
                SpecialTypes.result(PrimitiveType.U8, ProductType.UNIT))) {
            assertTrue(SpecialTypes.isSpecial(type), type::toString);
            assertTrue(SpecialTypes.isSpecial(TypeCodec.read(new BsatnReader(TypeCodec.encode(type)))), type::toString);
        }
        for (AlgebraicType type : List.of(
                PrimitiveType.U256,
                ArrayType.BYTES,
                ProductType.of(ProductElement.of("__identity__", PrimitiveType.U128)),
                ProductType.of(ProductElement.of("identity", PrimitiveType.U256)),
                ProductType.of(
                        ProductElement.of("__identity__", PrimitiveType.U256), ProductElement.of("x", PrimitiveType.U8)),
                SumType.of(SumVariant.of("none", ProductType.UNIT), SumVariant.of("some", PrimitiveType.U8)),
                SumType.of(SumVariant.of("some", PrimitiveType.U8), SumVariant.of("none", PrimitiveType.U8)),
                SumType.of(SumVariant.of("Some", PrimitiveType.U8), SumVariant.of("None", ProductType.UNIT)),
                SumType.of(
                        SumVariant.of("interval", SpecialTypes.TIME_DURATION),
                        SumVariant.of("time", SpecialTypes.TIMESTAMP)))) {
            assertFalse(SpecialTypes.isSpecial(type), type::toString);
        }
        assertEquals(
                Optional.of(PrimitiveType.U8), SpecialTypes.optionPayload(SpecialTypes.option(PrimitiveType.U8)));
        assertEquals(Optional.empty(), SpecialTypes.optionPayload(SpecialTypes.SCHEDULE_AT));
    }

    @Test
    @Proves("bsatn.md 10")
    void sizesForMigrations() {
        assertLayout(1, 1, SumType.of(SumVariant.of("a", ProductType.UNIT), SumVariant.of("b", ProductType.UNIT)));
        assertLayout(1, 1, SumType.NEVER);
        assertLayout(0, 1, ProductType.UNIT);
        assertLayout(4, 2, PrimitiveType.STRING);
        assertLayout(4, 2, new ArrayType(PrimitiveType.U256));
        assertLayout(16, 8, SpecialTypes.SCHEDULE_AT);
        assertLayout(6, 2, SpecialTypes.option(PrimitiveType.STRING));
        assertLayout(64, 32, SpecialTypes.option(PrimitiveType.U256));
        assertLayout(
                16, 8, ProductType.of(ProductElement.of("a", PrimitiveType.U8), ProductElement.of("b", PrimitiveType.I64)));
        assertLayout(
                12,
                4,
                ProductType.of(
                        ProductElement.of("a", PrimitiveType.U16),
                        ProductElement.of("b", PrimitiveType.F32),
                        ProductElement.of("c", PrimitiveType.BOOL)));
    }

    private static void assertLayout(int size, int align, AlgebraicType type) {
        assertEquals(new FixedLayout(size, align), FixedLayout.of(type));
    }

    @Test
    @Proves("bsatn.md 8")
    void identitiesAndConnectionIds() {
        String hex = "c200b9322c6915549469768188dc0cc6ce60fdbd63823b801c6ace9666085d28";
        Identity identity = Identity.fromHex("0x" + hex.toUpperCase(java.util.Locale.ROOT));
        assertEquals(hex, identity.toHex());
        assertEquals(
                "285d086696ce6a1c803b8263bdfd60cec60cdc88817669945415692c32b900c2",
                HexFormat.of().formatHex(identity.toLittleEndian()));
        assertEquals(identity, Identity.fromBigEndian(HexFormat.of().parseHex(hex)));
        assertTrue(identity.compareTo(new Identity(1, 0, 0, 0)) > 0);
        assertTrue(new Identity(0, 0, 0, -1).compareTo(identity) > 0);
        ConnectionId connection = ConnectionId.fromHex("00112233445566778899aabbccddeeff");
        byte[] bytes = new byte[16];
        connection.toLittleEndian(bytes, 0);
        assertArrayEquals(HexFormat.of().parseHex("ffeeddccbbaa99887766554433221100"), bytes);
        assertEquals(connection, ConnectionId.fromLittleEndian(bytes, 0));
        assertEquals("00112233445566778899aabbccddeeff", connection.toHex());
        for (String bad : new String[] {
            "", "0x", hex.substring(1), hex + "0", "g" + hex.substring(1), "0x0x" + hex.substring(2)
        }) {
            assertThrows(IllegalArgumentException.class, () -> Identity.fromHex(bad));
            assertThrows(IllegalArgumentException.class, () -> ConnectionId.fromHex(bad));
        }
    }
}
