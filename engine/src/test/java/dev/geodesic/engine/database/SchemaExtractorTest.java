package dev.geodesic.engine.database;

import static dev.geodesic.engine.database.TestServer.KITCHEN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.SchemaJson;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.testkit.Proves;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SchemaExtractorTest {

    @TempDir
    private Path data;

    /** The same as the server answers, but for the tag; of modules of version 9, too. */
    @Test
    @Proves("client-expectations.md 11")
    void saysWhatTheServerSays() {
        try (TestServer test = new TestServer(data)) {
            int number = 0;
            for (byte[] program : new byte[][] {KITCHEN, TestServer.read("../samples/modules/v1/kitchen_v1.wasm")}) {
                JsonWriter json = new JsonWriter();
                SchemaJson.writeV10(test.create("db-" + number++, program).definition(), json);
                String extracted = new String(SchemaExtractor.extract(program), StandardCharsets.UTF_8);
                assertEquals("{\"V10\":" + json + "}", extracted);
                assertTrue(extracted.startsWith("{\"V10\":{\"sections\":[{"), extracted);
            }
        }
    }

    @Test
    void refusesWhatIsNoProgram() {
        for (byte[] bad : new byte[][] {{}, {1, 2, 3}, {0, 'a', 's', 'm', 1, 0, 0, 0}}) {
            TestServer.assertCode(ErrorCode.INVALID_MODULE, () -> SchemaExtractor.extract(bad));
        }
    }
}
