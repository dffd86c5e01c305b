package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.SatsJson;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Plans as EXPLAIN shows them, a line for each step in the order of execution (docs/sql.md). */
final class PlanText {

    private static final int CONSTANT_CHARS_MAX = 80;

    private final List<TableSchema> tables;
    private final List<String> lines = new ArrayList<>();

    private PlanText(List<TableSchema> tables) {
        this.tables = tables;
    }

    static List<String> of(SqlStatement statement, ReadView view) {
        return switch (statement) {
            case SelectPlan select -> select(select, view);
            case DmlPlan.Update update -> change("update", update.scan(), view);
            case DmlPlan.Delete delete -> change("delete", delete.scan(), view);
            case DmlPlan.Insert insert -> List.of("insert " + insert.table().name());
        };
    }

    private static List<String> change(String verb, TableScan scan, ReadView view) {
        PlanText text = new PlanText(List.of(scan.table()));
        text.scan("scan ", scan, 0);
        text.lines.add(verb + " " + scan.table().name());
        text.lines.add("estimate: " + scan.estimate(view, Long.MAX_VALUE) + " rows");
        return text.lines;
    }

    private static List<String> select(SelectPlan plan, ReadView view) {
        List<String> lines = new ArrayList<>();
        for (JoinPlan part : plan.parts()) {
            PlanText text = new PlanText(part.query().tables());
            text.part(part);
            text.shape(plan.shape());
            lines.addAll(text.lines);
        }
        lines.add("estimate: " + plan.estimate(view) + " rows");
        return lines;
    }

    private void part(JoinPlan part) {
        if (part.isEmpty()) {
            lines.add("nothing: the condition is false");
            return;
        }
        for (JoinPlan.Step step : part.steps()) {
            switch (step.access()) {
                case JoinPlan.Access.Scan all ->
                    scan(step == part.steps().getFirst() ? "scan " : "nested loop: scan ", step.scan(), step.table());
                case JoinPlan.Access.Index(IndexProbe probe, List<BoundExpr> local, RowPredicate filter) -> {
                    lines.add("index join " + name(step.table()) + " by " + probe.index().name() + ": "
                            + conditions(probe.decided()));
                    filter(local);
                }
                case JoinPlan.Access.Hash hash -> {
                    scan("hash join: scan ", step.scan(), step.table());
                    lines.add("  on " + conditions(hash.equalities()));
                }
            }
            filter(step.filters());
        }
    }

    private void scan(String verb, TableScan scan, int number) {
        lines.add(verb + name(number) + scan.index().map(this::index).orElse(""));
        filter(scan.rest());
    }

    private String index(IndexScan scan) {
        return (scan.isPoint() ? " by " : " by a range of ") + scan.index().name() + ": " + conditions(scan.decided());
    }

    private void filter(List<BoundExpr> terms) {
        if (!terms.isEmpty()) {
            lines.add("  filter " + conditions(terms));
        }
    }

    private void shape(ResultShape shape) {
        shape.aggregation().ifPresent(a -> {
            String keys = a.keys().stream().map(this::name).collect(Collectors.joining(", "));
            lines.add(keys.isEmpty() ? "one group" : "group by " + keys);
        });
        if (shape.output() instanceof SelectPlan.Output.Count) {
            lines.add("count");
        }
        ResultShape.Order order = shape.order();
        if (!order.distinct().isEmpty()) {
            lines.add("distinct");
        }
        if (!order.keys().isEmpty()) {
            lines.add("sort by " + order.keys().stream()
                    .map(k -> (shape.aggregation().isPresent() ? "#" + k.column().position() : name(k.column()))
                            + (k.descending() ? " desc" : ""))
                    .collect(Collectors.joining(", ")));
        }
        if (order.offset() > 0) {
            lines.add("offset " + order.offset());
        }
        if (order.limit() < Long.MAX_VALUE) {
            lines.add("limit " + order.limit());
        }
    }

    private String name(int number) {
        String name = tables.get(number).name();
        boolean isAmbiguous = tables.stream().filter(t -> t.name().equals(name)).count() > 1;
        return isAmbiguous ? name + "#" + (number + 1) : name;
    }

    private String name(BoundExpr.BoundColumn column) {
        String name = tables.get(column.table()).columns().get(column.position()).name();
        return tables.size() == 1 ? name : name(column.table()) + "." + name;
    }

    private String conditions(List<BoundExpr> terms) {
        return terms.stream().map(this::condition).collect(Collectors.joining(" and "));
    }

    private String condition(BoundExpr expr) {
        return switch (expr) {
            case BoundExpr.Constant(boolean value) -> Boolean.toString(value);
            case BoundExpr.And(List<BoundExpr> terms) -> "(" + conditions(terms) + ")";
            case BoundExpr.Or(List<BoundExpr> terms) ->
                "(" + terms.stream().map(this::condition).collect(Collectors.joining(" or ")) + ")";
            case BoundExpr.CompareConstant(Operator operator, BoundExpr.BoundColumn column, byte[] value) ->
                name(column) + " " + operator.symbol() + " " + constant(column, value);
            case BoundExpr.CompareColumns(Operator operator, BoundExpr.BoundColumn left, BoundExpr.BoundColumn right) ->
                name(left) + " " + operator.symbol() + " " + name(right);
        };
    }

    private String constant(BoundExpr.BoundColumn column, byte[] value) {
        String text = SatsJson.toString(
                tables.get(column.table()).columns().get(column.position()).type(), value, SatsJson.Flavor.UNTYPED);
        return text.length() <= CONSTANT_CHARS_MAX ? text : text.substring(0, CONSTANT_CHARS_MAX) + "...";
    }
}
