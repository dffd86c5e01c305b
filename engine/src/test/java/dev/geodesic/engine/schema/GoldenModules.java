package dev.geodesic.engine.schema;

import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * Definitions as two published crates wrote them, and what the recorded server says about them. The bytes come from
 * {@code __describe_module__} of the golden modules, built with crate 2.8.3 (version 10) and 1.12.0 (version 9).
 */
final class GoldenModules {

    static final String V10 = "golden-2.8.3";
    static final String V9 = "golden-1.12.0";

    private GoldenModules() {
    }

    static byte[] bytes(String module) {
        return resource(module + ".bsatn");
    }

    static ModuleDef def(String module) {
        return ModuleDef.decode(bytes(module));
    }

    static JsonValue json(String name) {
        return Json.parse(resource(name + ".json"));
    }

    private static byte[] resource(String name) {
        try (InputStream in = GoldenModules.class.getResourceAsStream("/golden/schema/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
