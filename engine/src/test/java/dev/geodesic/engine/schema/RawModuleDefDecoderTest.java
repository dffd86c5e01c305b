package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.testkit.Proves;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RawModuleDefDecoderTest {

    private static String refusal(byte[] bytes) {
        EngineException e = assertThrows(EngineException.class, () -> RawModuleDef.decode(bytes));
        assertEquals(ErrorCode.INVALID_MODULE_DEF, e.code());
        assertTrue(e.getMessage().startsWith("cannot decode the module definition: "), e.getMessage());
        return e.getMessage();
    }

    private static byte[] sections(int count, BsatnWriter body) {
        BsatnWriter out = new BsatnWriter(64);
        out.writeU8(2);
        out.writeU32(count);
        out.writeRaw(body.toByteArray());
        return out.toByteArray();
    }

    @Test
    @Proves("module-def.md 1")
    @Proves("module-def.md 2")
    @Proves("module-def.md 3")
    void readsWhatTheCratesWrite() {
        RawModuleDef v10 = RawModuleDef.decode(GoldenModules.bytes(GoldenModules.V10));
        assertEquals(10, v10.version());
        assertEquals(
                List.of(17, 17, 13, 24, 6, 4, 1, 3, 1, 1, 4, 4),
                List.of(v10.typespace().types().size(), v10.types().size(), v10.tables().size(), v10.reducers().size(),
                        v10.procedures().size(), v10.views().size(), v10.schedules().size(), v10.lifecycleReducers().size(),
                        v10.defaults().size(), v10.rowLevelSecurity().size(), v10.httpHandlers().size(),
                        v10.httpRoutes().size()));
        assertEquals(Optional.of(new RawModuleDef.HttpMethod("Post", false)), v10.httpRoutes().get(2).method());
        RawModuleDef v9 = RawModuleDef.decode(GoldenModules.bytes(GoldenModules.V9));
        assertEquals(9, v9.version());
        assertEquals(
                List.of(17, 17, 13, 24, 6, 3, 1, 3, 1, 1, 0, 0),
                List.of(v9.typespace().types().size(), v9.types().size(), v9.tables().size(), v9.reducers().size(),
                        v9.procedures().size(), v9.views().size(), v9.schedules().size(), v9.lifecycleReducers().size(),
                        v9.defaults().size(), v9.rowLevelSecurity().size(), v9.httpHandlers().size(), v9.httpRoutes().size()));
        assertEquals(CaseConversion.NONE, v9.naming());
    }

    @Test
    @Proves("module-def.md 1")
    void refusesOtherVersions() {
        assertTrue(refusal(new byte[] {0}).contains("version 8"));
        assertTrue(refusal(new byte[] {3}).contains("unknown version tag 3"));
        assertTrue(refusal(new byte[0]).contains("data too short"));
    }

    @Test
    @Proves("module-def.md 3")
    void refusesUnknownSections() {
        BsatnWriter body = new BsatnWriter(16);
        body.writeU8(17);
        assertTrue(refusal(sections(1, body)).contains("unknown section 17; the module may have been built with a crate"));
    }

    @Test
    void refusesBytesBehindTheDefinition() {
        byte[] bytes = GoldenModules.bytes(GoldenModules.V10);
        assertTrue(refusal(Arrays.copyOf(bytes, bytes.length + 2)).contains("2 bytes follow"));
    }

    @Test
    @Proves("module-def.md 3")
    @Proves("module-def.md 10")
    void absentSectionsAreEmptyAndTheFirstOfAKindCounts() {
        RawModuleDef empty = RawModuleDef.decode(sections(0, new BsatnWriter(1)));
        assertEquals(CaseConversion.SNAKE_CASE, empty.naming());
        assertEquals(List.of(), empty.tables());

        BsatnWriter body = new BsatnWriter(64);
        for (String sql : List.of("first", "second")) {
            body.writeU8(8);
            body.writeU32(1);
            body.writeString(sql);
        }
        body.writeU8(9);
        body.writeU8(0);
        RawModuleDef def = RawModuleDef.decode(sections(3, body));
        assertEquals(List.of("first"), def.rowLevelSecurity());
        assertEquals(CaseConversion.NONE, def.naming());
    }

    @Test
    @Proves("module-def.md 3")
    void readsTheSectionsOfLaterCrates() {
        BsatnWriter body = new BsatnWriter(64);
        body.writeU8(15);
        body.writeU32(3);
        body.writeString("PLAIN");
        body.writeU8(0);
        body.writeU8(0);
        body.writeString("FIXED");
        body.writeU8(1);
        body.writeString("value");
        body.writeU8(1);
        body.writeString("ONE_OF");
        body.writeU8(2);
        body.writeU32(2);
        body.writeString("a");
        body.writeString("b");
        body.writeU8(0);
        body.writeU8(16);
        body.writeU32(1);
        body.writeString("calls");
        body.writeString("remote");
        body.writeU16(1);
        body.writeU32(1);
        body.writeU16(2);
        body.writeU8(1);
        body.writeRaw(new byte[32]);
        RawModuleDef def = RawModuleDef.decode(sections(2, body));
        assertEquals(List.of("PLAIN", "FIXED", "ONE_OF"),
                def.environment().stream().map(RawModuleDef.EnvironmentVariable::name).toList());
        assertEquals(List.of(new RawModuleDef.Outbox("calls", "remote")), def.outboxes());
        EngineException e = assertThrows(EngineException.class, () -> UnsupportedFeatures.check(def));
        assertEquals(
                "the module uses features that this version does not support:"
                        + " outboxes (calls)",
                e.getMessage());
    }

    @Test
    @Proves("module-def.md 4.4")
    void readsSubmodulesToALimitedDepth() {
        assertEquals("lib", RawModuleDef.decode(nested(3)).submodules().getFirst().namespace());
        assertTrue(refusal(nested(100_000)).contains("nested deeper than 16"));
    }

    private static byte[] nested(int depth) {
        BsatnWriter body = new BsatnWriter(64);
        for (int i = 0; i < depth; i++) {
            if (i > 0) {
                body.writeU32(1);
            }
            body.writeU8(14);
            body.writeU32(1);
            body.writeString("lib");
        }
        body.writeU32(0);
        return sections(1, body);
    }

    @Test
    void refusesHugeCountsAndNames() {
        BsatnWriter body = new BsatnWriter(64);
        body.writeU8(2);
        body.writeU32(-1);
        refusal(sections(1, body));
        BsatnWriter names = new BsatnWriter(64);
        names.writeU8(11);
        names.writeU32(1);
        names.writeString("x".repeat(4097));
        assertTrue(refusal(sections(1, names)).contains("a name of 4097 characters is longer than 4096"));
    }

    @ParameterizedTest
    @ValueSource(strings = {GoldenModules.V9, GoldenModules.V10})
    void everyPrefixIsRefused(String module) {
        byte[] bytes = GoldenModules.bytes(module);
        for (int length = 0; length < bytes.length; length++) {
            refusal(Arrays.copyOf(bytes, length));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {GoldenModules.V9, GoldenModules.V10})
    void damagedBytesGiveADefinitionOrAnEngineException(String module) {
        long seed = Long.getLong("geodesic.seed", System.nanoTime());
        Random random = new Random(seed);
        byte[] good = GoldenModules.bytes(module);
        int accepted = 0;
        int refused = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] bytes = good.clone();
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                int at = random.nextInt(bytes.length);
                bytes[at] = random.nextBoolean() ? (byte) random.nextInt(20) : (byte) (bytes[at] ^ 1 << random.nextInt(8));
            }
            try {
                ModuleDef def = ModuleDef.decode(bytes);
                SchemaJson.writeV9(def, new JsonWriter());
                SchemaJson.writeV10(def, new JsonWriter());
                accepted++;
            } catch (EngineException e) {
                assertEquals(ErrorCode.INVALID_MODULE_DEF, e.code(), () -> "geodesic.seed=" + seed + " " + e.describe());
                refused++;
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("geodesic.seed=" + seed + " iteration " + i, e);
            }
        }
        assertTrue(accepted > 0 && refused > 0, "geodesic.seed=" + seed + " accepted " + accepted + ", refused " + refused);
    }
}
