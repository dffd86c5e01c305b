package dev.geodesic.engine.query;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.Predicate;

/** A SELECT that is ready to run. Immutable; may be shared by threads. */
public final class SelectPlan implements SqlStatement {

    private static final int LOOK_UPS_MAX = 8;

    private final Limits limits;
    /** Evaluated one after the other: more than one if several row-level-security rules allow rows. */
    private final List<JoinPlan> parts;
    private final ResultShape shape;

    /** What becomes of a combination of rows. Tables by their number in the query. */
    sealed interface Output {

        /** @param hidden bytes at the start of a row that are not given */
        record WholeRow(int table, int hidden) implements Output {
        }

        record Columns(List<BoundExpr.BoundColumn> columns) implements Output {
        }

        record Count() implements Output {
        }

        /** Lines that were known when the statement was prepared, one in a row. */
        record Text(List<String> lines) implements Output {
        }
    }

    SelectPlan(List<JoinPlan> parts, ResultShape shape, Limits limits) {
        this.parts = List.copyOf(parts);
        this.shape = shape;
        this.limits = limits;
    }

    /** The table whose rows are returned; the first one if none or several are. */
    public TableSchema table() {
        int number = shape.output() instanceof Output.WholeRow(int table, int hidden) ? table : 0;
        return parts.getFirst().query().tables().get(number);
    }

    /** Every table that is read. */
    public List<TableSchema> tables() {
        return parts.stream().flatMap(p -> p.query().tables().stream()).distinct().toList();
    }

    /** Names and types of the output columns. */
    public ProductType schema() {
        return shape.schema();
    }

    Output output() {
        return shape.output();
    }

    ResultShape shape() {
        return shape;
    }

    List<JoinPlan> parts() {
        return parts;
    }

    /** Runs on a view and collects the rows. Errors: LIMIT_EXCEEDED. */
    public SqlResult execute(ReadView view) {
        RowBuffer rows = new RowBuffer();
        execute(view, rows);
        return SqlResult.rows(schema(), rows);
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
        if (shape.output() instanceof Output.Count) {
            BsatnWriter row = new BsatnWriter(Long.BYTES);
            row.writeU64(parts.stream().mapToLong(p -> p.count(view, budget)).sum());
            sink.row(MemorySegment.ofArray(row.buffer()), 0, row.length());
            return 1;
        } else if (shape.output() instanceof Output.Text(List<String> lines)) {
            for (String line : lines) {
                BsatnWriter row = new BsatnWriter();
                row.writeString(line);
                sink.row(MemorySegment.ofArray(row.buffer()), 0, row.length());
            }
            return lines.size();
        }
        RowLayout[] layouts = parts.getFirst().layouts();
        if (shape.aggregation().isEmpty()) {
            boolean isJoin = parts.stream().anyMatch(p -> p.steps().size() > 1);
            RowSink out = isJoin && shape.isPassing() ? budget.limit(sink) : sink;
            RowEmitter emitter = new RowEmitter(shape, layouts, budget, out);
            forEach(view, budget, emitter::add);
            return emitter.finish();
        }
        Groups groups = new Groups(shape.aggregation().get(), layouts, budget);
        forEach(view, budget, rows -> {
            groups.add(rows);
            return true;
        });
        RowEmitter emitter = new RowEmitter(shape, new RowLayout[] {shape.aggregation().get().layout()}, budget, sink);
        groups.forEach(emitter::add);
        return emitter.finish();
    }

    /** Gives the combinations of rows of all parts, until there is one after which no more are wanted. */
    private void forEach(ReadView view, QueryBudget budget, Predicate<RowTuple> wantsMore) {
        for (JoinPlan part : parts) {
            for (JoinCursor cursor = part.open(view, budget); cursor.next();) {
                if (!wantsMore.test(cursor.rows())) {
                    return;
                }
            }
        }
    }

    static void wholeRow(JoinPlan part, int number, RowTuple rows, RowSink sink) {
        int hidden = VisibleColumns.hiddenBytes(part.query().tables().get(number));
        sink.row(rows.segment(number), rows.offset(number) + hidden, rows.length(number) - hidden);
    }

    static void appendColumn(BsatnWriter out, RowLayout layout, MemorySegment segment, long rowOffset, int column) {
        int length = layout.columnLength(segment, rowOffset, column);
        out.ensure(length);
        long from = layout.columnOffset(segment, rowOffset, column);
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, from, out.buffer(), out.length(), length);
        out.advance(length);
    }

    /** Rows that this reads, for the row limit (spec/sql.md 11). */
    long estimate(ReadView view) {
        boolean isPushed = shape.isPassing() && !(shape.output() instanceof Output.Count);
        long pushedLimit = isPushed ? shape.order().rowsWanted() : Long.MAX_VALUE;
        return parts.stream().mapToLong(p -> p.estimate(view, pushedLimit)).reduce(0, SelectPlan::sum);
    }

    /** Whether this reads a few rows of tables of the module at most, by unique keys; views are no such tables. */
    public boolean isLookUp() {
        return !parts.isEmpty() && parts.size() <= LOOK_UPS_MAX && parts.stream().allMatch(JoinPlan::isLookUp)
                && tables().stream().allMatch(table -> table.kind() == TableKind.USER && !table.role().isView());
    }

    /** About how many rows this will look at: a guess for joins, and cheap. */
    public long reads(ReadView view) {
        return parts.stream().mapToLong(p -> p.reads(view)).reduce(0, SelectPlan::sum);
    }

    /** Of two estimates, none of which is negative. */
    static long sum(long a, long b) {
        long sum = a + b;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }
}
