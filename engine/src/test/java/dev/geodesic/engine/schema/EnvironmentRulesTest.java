package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.testkit.Proves;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

@Proves("http-api.md 10")
class EnvironmentRulesTest {

    private static final RawModuleDef DEF = def(
            new RawModuleDef.EnvironmentVariable("KEY", List.of(), false),
            new RawModuleDef.EnvironmentVariable("MODE", List.of("dev", "prod"), false),
            new RawModuleDef.EnvironmentVariable("EXTRA", List.of(), true));

    private static RawModuleDef def(RawModuleDef.EnvironmentVariable... variables) {
        RawModuleDef d = RawModuleDefBuilder.v10().build();
        return new RawModuleDef(d.version(), d.naming(), d.typespace(), d.types(), d.tables(), d.reducers(), d.procedures(),
                d.views(), d.schedules(), d.lifecycleReducers(), d.defaults(), d.rowLevelSecurity(), d.explicitNames(),
                d.httpHandlers(), d.httpRoutes(), d.viewPrimaryKeys(), d.submodules(), List.of(variables), d.outboxes());
    }

    private static EngineException refused(Map<String, String> variables) {
        return assertThrows(EngineException.class, () -> EnvironmentRules.check(DEF, variables));
    }

    @Test
    void requiredVariablesMustHaveAnAllowedValue() {
        EngineException missing = refused(Map.of("EXTRA", "x"));
        assertEquals(ErrorCode.ENVIRONMENT_MISSING, missing.code());
        assertEquals("KEY,MODE", missing.getMessage());
        assertEquals(ErrorCode.INVALID_ENVIRONMENT, refused(Map.of("KEY", "", "MODE", "test")).code());
        EnvironmentRules.check(DEF, Map.of("KEY", "", "MODE", "prod", "UNHEARD_OF", "1"));
    }

    @Test
    void namesAndSizesAreBounded() {
        for (String name : List.of("", "a=b", "a\0b")) {
            EngineException e = assertThrows(EngineException.class, () -> EnvironmentRules.bounded(Map.of(name, "v")));
            assertEquals(ErrorCode.INVALID_ENVIRONMENT, e.code());
        }
        assertThrows(EngineException.class, () -> EnvironmentRules.bounded(Map.of("big", "v".repeat(2 << 20))));
    }
}
