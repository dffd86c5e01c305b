package dev.geodesic.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class CompatibilityTableTest {

    /** A rule with a wrong name would prove nothing. */
    @Test
    void testsNameRulesThatThereAre() throws IOException {
        assertEquals(List.of(), new CompatibilityTable(Path.of("..")).unknown(), "not in docs/rules.tsv");
    }

    @Test
    void pageIsFresh() throws IOException {
        CompatibilityTable table = new CompatibilityTable(Path.of(".."));
        assertTrue(table.page().equals(Files.readString(table.file())),
                "docs/compatibility.md is not what the tests say. At the top of the project: " + CompatibilityTable.REFRESH);
    }
}
