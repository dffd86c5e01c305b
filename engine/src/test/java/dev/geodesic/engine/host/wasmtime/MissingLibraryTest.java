package dev.geodesic.engine.host.wasmtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator reads when the library is not there; in a JVM of its own, because a library is loaded once. */
class MissingLibraryTest {

    /** Opens a runtime twice and prints both messages. */
    public static final class Opener {

        private Opener() {
        }

        public static void main(String[] arguments) {
            for (int i = 0; i < 2; i++) {
                try {
                    WasmtimeRuntime.open(new WasmtimeOptions(Optional.empty(), Thread::new), List.of()).close();
                } catch (RuntimeException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    private static final String AGAIN = "\nlibwasmtime could not be loaded; see the first error";

    private static String open(String library) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-D" + NativeLibrary.PROPERTY + "=" + library,
                "-cp", System.getProperty("java.class.path"), Opener.class.getName());
        builder.environment().remove(NativeLibrary.VARIABLE);
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        process.waitFor();
        return output;
    }

    @Test
    void saysWhatToSet() throws Exception {
        assertEquals("libwasmtime is not configured; set the system property geodesic.wasmtime.library"
                + " or the environment variable GEODESIC_WASMTIME_LIBRARY" + AGAIN, open(""));
    }

    @Test
    void saysWhereItLooked(@TempDir Path directory) throws Exception {
        Path expected = directory.resolve(System.mapLibraryName("wasmtime"));
        assertEquals("libwasmtime cannot be read at " + expected + AGAIN, open(directory.toString()));
        Files.writeString(expected, "no library");
        String message = open(expected.toString());
        assertTrue(message.contains("libwasmtime cannot be loaded: "), message);
    }
}
