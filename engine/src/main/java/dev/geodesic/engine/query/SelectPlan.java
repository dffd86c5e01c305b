package dev.geodesic.engine.query;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** A SELECT that is ready to run. Immutable; may be shared by threads. */
public final class SelectPlan implements SqlStatement {

    private final Limits limits;
    /** Evaluated one after the other: more than one if several row-level-security rules allow rows. */
    private final List<JoinPlan> parts;
    private final Output output;
    private final long limit;
    private final ProductType schema;

    /** What becomes of a combination of rows. Tables by their number in the query. */
    sealed interface Output {

        record WholeRow(int table) implements Output {
        }

        record Columns(List<BoundExpr.BoundColumn> columns) implements Output {
        }

        record Count() implements Output {
        }
    }

    SelectPlan(List<JoinPlan> parts, Output output, long limit, ProductType schema, Limits limits) {
        this.parts = List.copyOf(parts);
        this.output = output;
        this.limit = limit;
        this.schema = schema;
        this.limits = limits;
    }

    /** The table whose rows are returned; the first one if none or several are. */
    public TableSchema table() {
        return parts.getFirst().query().tables().get(output instanceof Output.WholeRow(int number) ? number : 0);
    }

    /** Every table that is read. */
    public List<TableSchema> tables() {
        return parts.stream().flatMap(p -> p.query().tables().stream()).distinct().toList();
    }

    /** Names and types of the output columns. */
    public ProductType schema() {
        return schema;
    }

    Output output() {
        return output;
    }

    List<JoinPlan> parts() {
        return parts;
    }

    /** Runs on a view and collects the rows. Errors: LIMIT_EXCEEDED. */
    public SqlResult execute(ReadView view) {
        RowBuffer rows = new RowBuffer();
        execute(view, rows);
        return SqlResult.rows(schema, rows);
    }

    /**
     * Runs on a view.
     *
     * @return number of rows given to the sink
     * @throws dev.geodesic.engine.base.EngineException LIMIT_EXCEEDED if the query runs too long, or is a join with too large a
     *     result
     */
    public long execute(ReadView view, RowSink sink) {
        return execute(view, new QueryBudget(limits), sink);
    }

    /** As {@link #execute(ReadView, RowSink)}. */
    public long execute(ReadView view, QueryBudget budget, RowSink sink) {
        if (output instanceof Output.Count) {
            BsatnWriter row = new BsatnWriter(Long.BYTES);
            row.writeU64(parts.stream().mapToLong(p -> count(p, view, budget)).sum());
            sink.row(MemorySegment.ofArray(row.buffer()), 0, row.length());
            return 1;
        }
        BsatnWriter projected = new BsatnWriter();
        long count = 0;
        for (JoinPlan part : parts) {
            if (count >= limit) {
                break;
            }
            RowSink out = part.steps().size() == 1 ? sink : budget.limit(sink);
            JoinCursor cursor = part.open(view, budget);
            while (count < limit && cursor.next()) {
                count++;
                switch (output) {
                    case Output.WholeRow(int number) -> wholeRow(part, number, cursor.rows(), out);
                    case Output.Columns(List<BoundExpr.BoundColumn> columns) ->
                        columns(part, columns, cursor.rows(), projected, out);
                    case Output.Count none -> throw new IllegalStateException();
                }
            }
        }
        return count;
    }

    static void wholeRow(JoinPlan part, int number, RowTuple rows, RowSink sink) {
        int hidden = VisibleColumns.hiddenBytes(part.query().tables().get(number));
        sink.row(rows.segment(number), rows.offset(number) + hidden, rows.length(number) - hidden);
    }

    private static void columns(
            JoinPlan part, List<BoundExpr.BoundColumn> columns, RowTuple rows, BsatnWriter row, RowSink sink) {
        row.clear();
        for (int i = 0; i < columns.size(); i++) {
            int table = columns.get(i).table();
            appendColumn(row, part.layout(table), rows.segment(table), rows.offset(table), columns.get(i).position());
        }
        sink.row(MemorySegment.ofArray(row.buffer()), 0, row.length());
    }

    static void appendColumn(BsatnWriter out, RowLayout layout, MemorySegment segment, long rowOffset, int column) {
        int length = layout.columnLength(segment, rowOffset, column);
        out.ensure(length);
        long from = layout.columnOffset(segment, rowOffset, column);
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, from, out.buffer(), out.length(), length);
        out.advance(length);
    }

    private static long count(JoinPlan part, ReadView view, QueryBudget budget) {
        if (part.readsWholeTable()) {
            return view.rowCount(part.query().tables().getFirst().tableId());
        }
        long count = 0;
        for (JoinCursor cursor = part.open(view, budget); cursor.next();) {
            count++;
        }
        return count;
    }

    /** Rows that this reads, for the row limit (spec/sql.md 11). */
    long estimate(ReadView view) {
        long pushedLimit = output instanceof Output.Count ? Long.MAX_VALUE : limit;
        return parts.stream().mapToLong(p -> p.estimate(view, pushedLimit)).reduce(0, SelectPlan::sum);
    }

    /** Of two estimates, none of which is negative. */
    static long sum(long a, long b) {
        long sum = a + b;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }
}
