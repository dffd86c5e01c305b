package dev.geodesic.engine.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Writes the definition of every program {@code X.wasm} in the directory {@code geodesic.describe} to {@code X.bsatn} beside
 * it. A tool of samples/modules/migration/build.sh, not a test.
 */
@ExtendWith(GuestThread.class)
@EnabledIfSystemProperty(named = "geodesic.describe", matches = ".+")
class DescribeModules {

    @Test
    void describe() throws IOException {
        List<Path> programs;
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("geodesic.describe")))) {
            programs = files.filter(f -> f.toString().endsWith(".wasm")).toList();
        }
        try (Guests guests = new Guests()) {
            for (Path program : programs) {
                String name = program.getFileName().toString().replaceFirst("wasm$", "bsatn");
                try (ModuleHost host = guests.load(Files.readAllBytes(program))) {
                    Files.write(program.resolveSibling(name), host.describe().bytes());
                }
            }
        }
    }
}
