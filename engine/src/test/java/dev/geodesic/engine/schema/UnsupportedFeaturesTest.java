package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.PrimitiveType;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnsupportedFeaturesTest {

    @Test
    void theGoldenModulePasses() {
        assertEquals(List.of(), UnsupportedFeatures.of(GoldenModules.def(GoldenModules.V10).raw()));
    }

    @Test
    void aModuleThatUsesThemIsRefusedAsAWhole() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.submodules.add(new RawModuleDef.Submodule("inner", RawModuleDefBuilder.v10().build()));
        EngineException e = assertThrows(EngineException.class, () -> UnsupportedFeatures.check(b.build()));
        assertEquals(ErrorCode.UNSUPPORTED_FEATURE, e.code());
        assertEquals("the module uses features that this version does not support: submodules (inner)", e.getMessage());
    }

    @Test
    void aModuleOfTablesAndReducersPasses() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10().reducer("r");
        b.table("t", RawModuleDefBuilder.column("id", PrimitiveType.U32)).key(0);
        UnsupportedFeatures.check(b.define());
        assertEquals(List.of(), UnsupportedFeatures.of(b.build()));
    }

    @Test
    void namesSubmodulesAndShortensExamples() {
        RawModuleDefBuilder b = RawModuleDefBuilder.v10();
        b.submodules.add(new RawModuleDef.Submodule("n".repeat(200), RawModuleDefBuilder.v10().build()));
        assertEquals(List.of("submodules (" + "n".repeat(100) + "...)"), UnsupportedFeatures.of(b.build()));
    }
}
