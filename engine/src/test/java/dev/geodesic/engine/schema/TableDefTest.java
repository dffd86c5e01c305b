package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.testkit.Proves;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tables with ids, against the rows that a recorded server shows in its catalogue. */
class TableDefTest {

    private static final int FIRST_USER_ID = 4096;

    private final JsonObject catalogue = (JsonObject) GoldenModules.json(GoldenModules.V10 + "-catalogue");
    private List<TableSchema> tables;

    @BeforeEach
    void createTables() {
        CountingIds ids = new CountingIds();
        tables = GoldenModules.def(GoldenModules.V10).tables().stream().map(t -> t.toSchema(ids)).toList();
    }

    /** Rows of a catalogue table that belong to the module's tables, without those of its views. */
    private List<List<JsonValue>> rows(String table, int idColumn) {
        Set<Integer> known = tables.stream().map(TableSchema::tableId).collect(Collectors.toSet());
        return ((JsonArray) catalogue.get(table).orElseThrow())
                .items().stream().map(r -> ((JsonArray) r).items()).filter(r -> known.contains(number(r.get(idColumn)))).toList();
    }

    private static int number(JsonValue v) {
        return Integer.parseInt(((JsonNumber) v).text());
    }

    private static String text(JsonValue v) {
        return switch (v) {
            case JsonString s -> s.value();
            case JsonNumber n -> n.text();
            case JsonArray a -> a.items().stream().map(TableDefTest::text).toList().toString();
            default -> throw new AssertionError(v);
        };
    }

    @Test
    @Proves("module-def.md 7")
    void tablesGetIdsInTheOrderOfTheirNames() {
        List<String> expected = rows("st_table", 0).stream().map(TableDefTest::rowText).sorted().toList();
        assertEquals(13, expected.size());
        assertEquals(expected, tables.stream()
                .map(t -> List.of(
                                String.valueOf(t.tableId()), t.name(), "user", t.access().name().toLowerCase(Locale.ROOT),
                                t.primaryKey().isPresent() ? "[0, [" + t.primaryKey().getAsInt() + "]]" : "[1, []]")
                        .toString())
                .sorted()
                .toList());
    }

    private static String rowText(List<JsonValue> row) {
        return row.stream().map(TableDefTest::text).toList().toString();
    }

    @Test
    @Proves("module-def.md 5")
    void indexesMatchTheCatalogue() {
        Map<String, String> expected = rows("st_index", 1).stream()
                .collect(Collectors.toMap(r -> text(r.get(2)), r -> text(r.get(1)) + text(r.get(3))));
        assertEquals(19, expected.size());
        assertEquals(expected, all(TableSchema::indexes, IndexSchema::name, (t, i) -> t.tableId() + switch (i.algorithm()) {
            case IndexAlgorithm.BTree b -> "[1, " + b.columns() + "]";
            case IndexAlgorithm.Direct d -> "[2, " + d.column() + "]";
            case IndexAlgorithm.Hash h -> "[3, " + h.columns() + "]";
        }));
    }

    @Test
    void idsOfOneTableFollowThoseOfTheTableBefore() {
        Map<Integer, Set<Integer>> expected = rows("st_index", 1).stream().collect(Collectors.groupingBy(
                r -> number(r.get(1)), Collectors.mapping(r -> number(r.get(0)), Collectors.toSet())));
        assertEquals(expected, tables.stream().filter(t -> !t.indexes().isEmpty()).collect(Collectors.toMap(
                TableSchema::tableId, t -> t.indexes().stream().map(IndexSchema::indexId).collect(Collectors.toSet()))));
        Map<Integer, Set<Integer>> constraints = rows("st_constraint", 2).stream().collect(Collectors.groupingBy(
                r -> number(r.get(2)), Collectors.mapping(r -> number(r.get(0)), Collectors.toSet())));
        assertEquals(constraints, tables.stream().filter(t -> !t.constraints().isEmpty()).collect(Collectors.toMap(
                TableSchema::tableId,
                t -> t.constraints().stream().map(ConstraintSchema::constraintId).collect(Collectors.toSet()))));
    }

    @Test
    @Proves("module-def.md 5")
    void constraintsMatchTheCatalogue() {
        Map<String, String> expected = rows("st_constraint", 2).stream()
                .collect(Collectors.toMap(r -> text(r.get(1)), r -> text(r.get(2)) + text(r.get(3))));
        assertEquals(14, expected.size());
        assertEquals(expected, all(
                TableSchema::constraints, ConstraintSchema::name, (t, c) -> t.tableId() + "[1, " + c.columns() + "]"));
    }

    @Test
    @Proves("module-def.md 5")
    void sequencesMatchTheCatalogue() {
        Map<String, String> expected = rows("st_sequence", 2).stream().collect(Collectors.toMap(
                r -> text(r.get(1)), r -> r.get(0) instanceof JsonNumber id ? id.text() + rowText(r.subList(2, 8)) : ""));
        assertEquals(3, expected.size());
        assertEquals(expected, all(TableSchema::sequences, SequenceSchema::name, (t, s) -> s.sequenceId()
                + List.of(t.tableId(), s.column(), s.increment(), s.start(), s.minValue(), s.maxValue()).toString()));
    }

    private <T> Map<String, String> all(
            Function<TableSchema, List<T>> parts,
            Function<T, String> name,
            BiFunction<TableSchema, T, String> row) {
        return tables.stream()
                .flatMap(t -> parts.apply(t).stream().map(p -> Map.entry(name.apply(p), row.apply(t, p))))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    @Test
    @Proves("module-def.md 5")
    void anIndexIsUniqueIfAConstraintCoversItsColumns() {
        TableSchema table = tables.stream().filter(t -> t.name().equals("player_score_2_d")).findFirst().orElseThrow();
        assertEquals(
                Map.of(
                        "player_score_2_d_player_id_idx_btree", true,
                        "player_score_2_d_nick_name_idx_btree", true,
                        "player_score_2_d_slot_1_idx_direct", true,
                        "player_score_2_d_team_id_idx_hash", false,
                        "player_score_2_d_level_idx_btree", false,
                        "player_score_2_d_team_id_level_idx_btree", false),
                table.indexes().stream().collect(Collectors.toMap(IndexSchema::name, IndexSchema::unique)));
    }

    @Test
    void sourceNamesAreKeptWhereTheyDiffer() {
        TableSchema table = tables.stream().filter(t -> t.name().equals("player_score_2_d")).findFirst().orElseThrow();
        assertEquals(Optional.of("PlayerScore2D"), table.accessor());
        assertEquals(OptionalInt.of(0), table.primaryKey());
        assertEquals(
                List.of("player_id=playerId", "nick_name=nickName", "team_id=teamId", "level=", "slot_1=slot1", "bonus="),
                table.columns().stream().map(c -> c.name() + "=" + c.accessor().orElse("")).toList());
        assertEquals(
                Optional.of("PlayerScore2D_teamId_level_idx_btree"),
                table.indexes().stream()
                        .filter(i -> i.name().equals("player_score_2_d_team_id_level_idx_btree"))
                        .findFirst()
                        .flatMap(IndexSchema::sourceName));
        TableSchema team = tables.stream().filter(t -> t.name().equals("team")).findFirst().orElseThrow();
        assertEquals(Optional.empty(), team.accessor());
        assertEquals(Optional.empty(), team.indexes().getFirst().sourceName());
    }

    private static final class CountingIds implements IdAllocator {
        private int table = FIRST_USER_ID;
        private int index = FIRST_USER_ID;
        private int constraint = FIRST_USER_ID;
        private int sequence = FIRST_USER_ID;
        private int schedule = FIRST_USER_ID;

        @Override
        public int nextScheduleId() {
            return schedule++;
        }

        @Override
        public int nextTableId() {
            return table++;
        }

        @Override
        public int nextIndexId() {
            return index++;
        }

        @Override
        public int nextConstraintId() {
            return constraint++;
        }

        @Override
        public int nextSequenceId() {
            return sequence++;
        }
    }
}
