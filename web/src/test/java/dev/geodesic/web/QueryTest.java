package dev.geodesic.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class QueryTest {

    private static Query query(Map<String, String> params) {
        return new Query(params.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, param -> List.of(param.getValue()))));
    }

    private static void refused(String cause, Executable read) {
        RefusedException e = assertThrows(RefusedException.class, read);
        assertEquals(400, e.status());
        assertEquals("Failed to deserialize query string: " + cause, e.getMessage());
    }

    @Test
    void readsFlags() {
        Query query = query(Map.of("yes", "true", "no", "false", "other", "1"));
        assertTrue(query.flag("yes", false));
        assertEquals(false, query.flag("no", true));
        assertTrue(query.flag("absent", true));
        refused("provided string was not `true` or `false`", () -> query.flag("other", true));
    }

    @Test
    void readsChoices() {
        Query query = query(Map.of("version", "9", "policy", "x"));
        assertEquals("9", query.required("version", "9", "10"));
        assertEquals(Optional.empty(), query.choice("absent", "a"));
        refused("missing field `absent`", () -> query.required("absent", "9", "10"));
        refused("unknown variant `x`, expected `Compatible` or `BreakClients`",
                () -> query.choice("policy", "Compatible", "BreakClients"));
    }

    @Test
    void readsNumbers() {
        Query query = query(Map.of("ten", "10", "word", "x", "huge", "9".repeat(40), "minus", "-1", "empty", ""));
        assertEquals(OptionalLong.of(10), query.number("ten", 10));
        assertEquals(OptionalLong.empty(), query.number("absent", 10));
        refused("number too large to fit in target type", () -> query.number("ten", 9));
        refused("number too large to fit in target type", () -> query.number("huge", 10));
        for (String bad : new String[] {"word", "minus"}) {
            refused("invalid digit found in string", () -> query.number(bad, 10));
        }
        refused("cannot parse integer from empty string", () -> query.number("empty", 10));
    }

    @Test
    void readsDurations() {
        Query query = query(Map.of("s", "5s", "m", "1m", "ms", "20ms", "two", "1 min 30s", "none", "5", "word", "x",
                "late", "5s x", "unit", "5parsecs", "huge", "9".repeat(30) + "s", "blank", " "));
        assertEquals(Optional.of(Duration.ofSeconds(90)), query.duration("two"));
        assertEquals(Optional.of(Duration.ofSeconds(5)), query.duration("s"));
        assertEquals(Optional.of(Duration.ofMinutes(1)), query.duration("m"));
        assertEquals(Optional.of(Duration.ofMillis(20)), query.duration("ms"));
        refused("time unit needed, for example 5sec or 5ms", () -> query.duration("none"));
        refused("expected number at 0", () -> query.duration("word"));
        refused("expected number at 2", () -> query.duration("late"));
        refused("unknown time unit \"parsecs\", supported units: ns, us, ms, sec, min, hours, days",
                () -> query.duration("unit"));
        refused("number is too large", () -> query.duration("huge"));
        refused("value was empty", () -> query.duration("blank"));
    }

    /** Either case, leading zeros optional: all forms of one number become the same text. */
    @Test
    void readsHashes() {
        Query query = query(Map.of("a", "0x00AB", "b", "0xab", "zero", "0x00", "bare", "abab", "long", "0x" + "a".repeat(65)));
        assertEquals(Optional.of("0xab"), query.hash("a"));
        assertEquals(Optional.of("0xab"), query.hash("b"));
        assertEquals(Optional.of("0x0"), query.hash("zero"));
        for (String bad : new String[] {"bare", "long"}) {
            refused("invalid digit found in string: expected `0x` and up to 64 hex digits", () -> query.hash(bad));
        }
    }
}
