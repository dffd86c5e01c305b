package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("module-def.md 4.3")
class IdentifiersTest {

    @ParameterizedTest
    @ValueSource(strings = {"a", "_", "_1", "x9", "select", "Größe", "名前", "a·b", "𐐀"})
    void accepts(String name) {
        assertEquals(Optional.empty(), Identifiers.problem(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1a", "-a", " a", "·a", "\u037a", "\uff9e", "\u200ba", "$a", "\0"})
    void rejectsAsFirstCharacter(String name) {
        String problem = Identifiers.problem(name).orElseThrow();
        assertTrue(problem.startsWith("Identifier `" + name + "`'s starting character '"), problem);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "a-b", "a.b", "a\0", "a\u200b", "a\u037a", "a$", "a\n"})
    void rejectsInside(String name) {
        String problem = Identifiers.problem(name).orElseThrow();
        assertTrue(problem.startsWith("Identifier `" + name + "` contains a character '"), problem);
    }

    @Test
    void rejectsEmptyAndDecomposed() {
        assertEquals(Optional.of("Empty identifiers are forbidden."), Identifiers.problem(""));
        String problem = Identifiers.problem("u\u0308ber").orElseThrow();
        assertTrue(problem.contains("is not in normalization form C "), problem);
    }
}
