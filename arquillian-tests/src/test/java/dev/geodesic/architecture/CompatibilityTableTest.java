package dev.geodesic.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class CompatibilityTableTest {

    /** A rule with a wrong name would prove nothing. */
    @Test
    void testsNameRulesThatThereAre() throws IOException {
        assertEquals(List.of(), new CompatibilityTable(Path.of("..")).unknown(), "not in docs/rules.tsv");
    }
}
