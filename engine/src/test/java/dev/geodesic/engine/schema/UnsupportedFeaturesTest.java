package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import org.junit.jupiter.api.Test;

class UnsupportedFeaturesTest {

    @Test
    void namesEveryFeatureOfTheGoldenModule() {
        EngineException e = assertThrows(
                EngineException.class, () -> UnsupportedFeatures.check(GoldenModules.def(GoldenModules.V10)));
        assertEquals(ErrorCode.UNSUPPORTED_FEATURE, e.code());
        assertEquals(
                "the module uses features that this version does not support:"
                        + " views (active_members, first_secret, my_notes, red_members);"
                        + " scheduled tables (job);"
                        + " event tables (flash);"
                        + " procedures (add_member_proc, boom_proc, make_shape, maybe, result_proc, ...);"
                        + " client visibility filters (row-level security) (SELECT * FROM note WHERE owner = :sender);"
                        + " HTTP handlers (boom_http, echo, hello, root_any);"
                        + " HTTP routes (\"\", /hello, /echo, /boom)",
                e.getMessage());
    }
}
