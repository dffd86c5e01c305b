package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.SatsJson;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** A migration plan as people read it before they agree (spec/module-def.md 9.1). Nothing parses it. */
public final class MigrationText {

    private static final String RULE = "━".repeat(60);
    private static final String RESET = "\u001b[0m";
    private static final String INDENT = "    ";
    private static final int VALUE_TEXT_MAX = 1_000;

    /** What the colours of a terminal stand for. */
    private enum Style {
        HEAD("\u001b[1m\u001b[34m"),
        CREATED("\u001b[1m\u001b[32m"),
        REMOVED("\u001b[1m\u001b[31m"),
        CHANGED("\u001b[1m\u001b[33m"),
        TABLE("\u001b[1m\u001b[36m"),
        TYPE("\u001b[35m"),
        ACCESS("\u001b[32m"),
        WARNING("\u001b[1m\u001b[37m\u001b[41m");

        private final String codes;

        Style(String codes) {
            this.codes = codes;
        }
    }

    private final StringBuilder out = new StringBuilder();
    private final boolean colored;

    private MigrationText(boolean colored) {
        this.colored = colored;
    }

    /** @param colored whether for a terminal that knows ANSI escape sequences */
    public static String of(MigrationPlan plan, boolean colored) {
        MigrationText text = new MigrationText(colored);
        text.line(RULE);
        text.line(text.styled("Database Migration Plan", Style.HEAD));
        text.line(RULE);
        text.line("");
        plan.steps().forEach(text::step);
        return text.out.toString();
    }

    private void line(String text) {
        out.append(text).append('\n');
    }

    private String styled(String text, Style style) {
        return colored ? RESET + style.codes + text + RESET : text;
    }

    private String created() {
        return styled("Created", Style.CREATED);
    }

    private String removed() {
        return styled("Removed", Style.REMOVED);
    }

    private String changed() {
        return styled("Changed", Style.CHANGED);
    }

    private String name(TableDef table) {
        return styled(table.name(), Style.TABLE);
    }

    private String type(AlgebraicType type) {
        return styled(TypeSize.text(type), Style.TYPE);
    }

    private void item(String text) {
        line("▸ " + text);
    }

    private void step(MigrationStep step) {
        switch (step) {
            case MigrationStep.RemoveIndex s -> item(removed() + index(s.table(), s.index()));
            case MigrationStep.RemoveConstraint s -> item(removed() + constraint(s.table(), s.constraint()));
            case MigrationStep.RemoveSequence s -> item(removed() + sequence(s.table(), s.sequence()));
            case MigrationStep.RemoveSchedule s -> item(removed() + schedule(s.table(), s.schedule()));
            case MigrationStep.RemoveView s -> view(removed(), s.view());
            case MigrationStep.RemoveRowLevelSecurity s -> rule(removed(), s.sql(), s.recreated());
            case MigrationStep.RemoveTable s -> {
                item(removed() + " table: " + name(s.table()));
                line("");
            }
            // The types that changed are not told.
            case MigrationStep.ChangeColumns s -> item(changed() + " columns for table " + name(s.table()));
            case MigrationStep.ChangeEventTable s -> item(changed() + " schema of event table " + name(s.table()));
            case MigrationStep.AddColumns s -> addedColumns(s);
            case MigrationStep.ChangeIndexSource s -> item(changed() + index(s.table(), s.index()));
            case MigrationStep.ChangeTableAccessor s -> item(changed() + " table accessor name for " + name(s.table()));
            case MigrationStep.ChangeColumnAccessor s -> item(
                    changed() + " column accessor name for " + name(s.table()) + '.' + s.column().name());
            case MigrationStep.AddTable s -> addedTable(s.table());
            case MigrationStep.AddIndex s -> item(created() + index(s.table(), s.index()));
            case MigrationStep.AddConstraint s -> item(created() + constraint(s.table(), s.constraint()));
            case MigrationStep.AddSequence s -> item(created() + sequence(s.table(), s.sequence()));
            case MigrationStep.AddSchedule s -> item(created() + schedule(s.table(), s.schedule()));
            case MigrationStep.AddView s -> view(created(), s.view());
            case MigrationStep.AddRowLevelSecurity s -> rule(created(), s.sql(), s.recreated());
            case MigrationStep.ChangeAccess s -> item(changed() + " access for table " + name(s.table()) + " ("
                    + access(s.before()) + " → " + access(s.table().access()) + ")");
            case MigrationStep.ChangePrimaryKey s -> item(
                    changed() + " primary key on table " + name(s.table()) + " (" + primaryKey(s) + ")");
            case MigrationStep.UpdateView s -> { }
            case MigrationStep.DisconnectAll s -> line(styled(
                    "!!! Warning: All clients will be disconnected due to breaking schema changes", Style.WARNING));
        }
    }

    private String access(TableAccess access) {
        return styled(access == TableAccess.PUBLIC ? "public" : "private", Style.ACCESS);
    }

    private String index(TableDef table, TableDef.Index index) {
        return " index " + index.name() + " on " + names(table, index.algorithm().columns()) + " of table " + name(table);
    }

    private String constraint(TableDef table, TableDef.Constraint constraint) {
        return " unique constraint " + constraint.name() + " on " + names(table, constraint.columns()) + " of table "
                + name(table);
    }

    private String sequence(TableDef table, TableDef.Sequence sequence) {
        return " auto-increment constraint " + sequence.name() + " on column "
                + table.columns().get(sequence.column()).name() + " of table " + name(table);
    }

    private String schedule(TableDef table, TableDef.Schedule schedule) {
        return " schedule for table " + name(table) + " calling reducer " + schedule.function();
    }

    private static String primaryKey(MigrationStep.ChangePrimaryKey step) {
        if (step.table().primaryKey().isEmpty()) {
            return "removed";
        }
        return (step.before().isEmpty() ? "added on" : "changed to") + " column " + step.table().primaryKey().getAsInt();
    }

    private void rule(String action, String sql, boolean recreated) {
        if (!recreated) {
            item(action + " row level security policy:");
            line(INDENT + '`' + sql + '`');
        }
    }

    private void view(String action, ViewShape view) {
        item("▸ " + action + (view.anonymous() ? " anonymous" : "") + " view: " + styled(view.name(), Style.TABLE));
        block("Parameters", elements(view.params().elements()));
        block("Columns", elements(view.columns().elements()));
        line("");
    }

    private List<String> elements(List<ProductElement> elements) {
        return elements.stream().map(e -> e.name().orElse("_") + ": " + type(e.type())).toList();
    }

    private void addedTable(TableDef table) {
        item(created() + " user table: " + name(table) + " (" + access(table.access()) + ")");
        block("Columns", table.columns().stream().map(c -> c.name() + ": " + type(c.type())).toList());
        block("Unique constraints",
                table.constraints().stream().map(c -> c.name() + " on " + names(table, c.columns())).toList());
        block("Indexes",
                table.indexes().stream().map(i -> i.name() + " on " + names(table, i.algorithm().columns())).toList());
        block("Auto-increment constraints",
                table.sequences().stream().map(s -> s.name() + " on " + table.columns().get(s.column()).name()).toList());
        block("Schedule", table.schedule().map(s -> "Calls reducer: " + s.function()).stream().toList());
        line("");
    }

    private void addedColumns(MigrationStep.AddColumns step) {
        item(created() + (step.columns().size() == 1 ? " column" : " columns") + " in table " + name(step.table()));
        for (ColumnSchema column : step.columns()) {
            Optional<TableDef.Default> value =
                    step.table().defaults().stream().filter(d -> d.column() == column.position()).findFirst();
            line(INDENT + "+ " + column.name() + ": " + type(column.type())
                    + value.map(v -> " (default: " + value(column.type(), v.value()) + ")").orElse(""));
        }
    }

    /** Numbers and texts over three lines, with their type, as upstream shows them; all else as JSON. */
    private static String value(AlgebraicType type, byte[] bytes) {
        JsonWriter json = new JsonWriter();
        SatsJson.write(type, new BsatnReader(bytes), json, SatsJson.Flavor.TYPED);
        String text = json.toString();
        if (text.length() > VALUE_TEXT_MAX) {
            text = text.substring(0, VALUE_TEXT_MAX) + "...";
        }
        return type instanceof PrimitiveType ? TypeSize.text(type) + "(\n" + INDENT + text + ",\n)" : text;
    }

    private static String names(TableDef table, List<Integer> positions) {
        return positions.stream().map(p -> table.columns().get(p).name()).collect(Collectors.joining(", ", "[", "]"));
    }

    private void block(String head, List<String> items) {
        if (!items.isEmpty()) {
            line(INDENT + styled(head + ":", Style.HEAD));
            items.forEach(i -> line(INDENT + INDENT + "• " + i));
        }
    }
}
