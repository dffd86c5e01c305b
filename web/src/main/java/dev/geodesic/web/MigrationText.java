package dev.geodesic.web;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.sats.TypeText;
import java.util.List;
import java.util.stream.Collectors;

/** A migration plan as people read it before they agree (spec/module-def.md 9.1). */
final class MigrationText {

    private static final String RULE = "━".repeat(60);
    private static final String RESET = "\u001b[0m";

    /** What the colours of a terminal stand for. */
    private enum Style {
        HEAD("\u001b[1m\u001b[34m"),
        ACTION("\u001b[1m\u001b[32m"),
        TABLE("\u001b[1m\u001b[36m"),
        TYPE("\u001b[35m"),
        ACCESS("\u001b[32m");

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

    static String of(MigrationPlan plan, boolean colored) {
        MigrationText text = new MigrationText(colored);
        text.line(RULE);
        text.line(text.styled("Database Migration Plan", Style.HEAD));
        text.line(RULE);
        text.line("");
        plan.addedTables().forEach(text::addedTable);
        return text.out.toString();
    }

    private void line(String text) {
        out.append(text).append('\n');
    }

    private String styled(String text, Style style) {
        return colored ? RESET + style.codes + text + RESET : text;
    }

    private void addedTable(TableDef table) {
        String access = table.access() == TableAccess.PUBLIC ? "public" : "private";
        line("▸ " + styled("Created", Style.ACTION) + " user table: " + styled(table.name(), Style.TABLE)
                + " (" + styled(access, Style.ACCESS) + ")");
        List<ColumnSchema> columns = table.columns();
        block("Columns", columns.stream().map(c -> c.name() + ": " + styled(TypeText.of(c.type()), Style.TYPE)).toList());
        block("Unique constraints",
                table.constraints().stream().map(c -> c.name() + " on " + names(columns, c.columns())).toList());
        block("Indexes",
                table.indexes().stream().map(i -> i.name() + " on " + names(columns, i.algorithm().columns())).toList());
        block("Auto-increment constraints",
                table.sequences().stream().map(s -> s.name() + " on " + columns.get(s.column()).name()).toList());
        block("Schedule", table.schedule().map(s -> "Calls reducer: " + s.function()).stream().toList());
        line("");
    }

    private static String names(List<ColumnSchema> columns, List<Integer> positions) {
        return positions.stream().map(p -> columns.get(p).name()).collect(Collectors.joining(", ", "[", "]"));
    }

    private void block(String head, List<String> items) {
        if (!items.isEmpty()) {
            line("    " + styled(head + ":", Style.HEAD));
            items.forEach(item -> line("        • " + item));
        }
    }
}
