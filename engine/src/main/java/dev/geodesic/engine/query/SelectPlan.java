package dev.geodesic.engine.query;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** A SELECT that is ready to run. Immutable; may be shared by threads. */
public final class SelectPlan implements SqlStatement {

    private final TableSchema table;
    /** Evaluated one after the other: more than one if several row-level-security rules allow rows. */
    private final List<TableScan> scans;
    private final Output output;
    private final long limit;
    private final ProductType schema;

    /** What becomes of a matching row. */
    sealed interface Output {

        record WholeRow() implements Output {
        }

        record Columns(int[] positions) implements Output {
        }

        record Count() implements Output {
        }
    }

    SelectPlan(TableSchema table, List<TableScan> scans, Output output, long limit, ProductType schema) {
        this.table = table;
        this.scans = List.copyOf(scans);
        this.output = output;
        this.limit = limit;
        this.schema = schema;
    }

    /** The table that is read. */
    public TableSchema table() {
        return table;
    }

    /** Names and types of the output columns. */
    public ProductType schema() {
        return schema;
    }

    List<TableScan> scans() {
        return scans;
    }

    /** Runs on a view and collects the rows. */
    public SqlResult execute(ReadView view) {
        RowBuffer rows = new RowBuffer();
        execute(view, rows);
        return SqlResult.rows(schema, rows);
    }

    /**
     * Runs on a view.
     *
     * @return number of rows given to the sink
     */
    public long execute(ReadView view, RowSink sink) {
        return switch (output) {
            case Output.WholeRow all -> copyRows(view, sink);
            case Output.Columns(int[] positions) -> copyColumns(view, positions, sink);
            case Output.Count count -> {
                BsatnWriter row = new BsatnWriter(Long.BYTES);
                row.writeU64(count(view));
                sink.row(MemorySegment.ofArray(row.buffer()), 0, row.length());
                yield 1;
            }
        };
    }

    private long copyRows(ReadView view, RowSink sink) {
        long count = 0;
        for (TableScan scan : scans) {
            if (count >= limit) {
                break;
            }
            for (RowIterator rows = scan.open(view); count < limit && rows.next(); count++) {
                sink.row(rows.segment(), rows.offset(), rows.length());
            }
        }
        return count;
    }

    private long copyColumns(ReadView view, int[] positions, RowSink sink) {
        BsatnWriter row = new BsatnWriter();
        long count = 0;
        for (TableScan scan : scans) {
            if (count >= limit) {
                break;
            }
            for (RowIterator rows = scan.open(view); count < limit && rows.next(); count++) {
                row.clear();
                for (int column : positions) {
                    appendColumn(row, scan.layout(), rows.segment(), rows.offset(), column);
                }
                sink.row(MemorySegment.ofArray(row.buffer()), 0, row.length());
            }
        }
        return count;
    }

    static void appendColumn(BsatnWriter out, RowLayout layout, MemorySegment segment, long rowOffset, int column) {
        int length = layout.columnLength(segment, rowOffset, column);
        out.ensure(length);
        long from = layout.columnOffset(segment, rowOffset, column);
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, from, out.buffer(), out.length(), length);
        out.advance(length);
    }

    private long count(ReadView view) {
        long count = 0;
        for (TableScan scan : scans) {
            if (scan.readsWholeTable()) {
                count += view.rowCount(table.tableId());
            } else {
                for (RowIterator rows = scan.open(view); rows.next();) {
                    count++;
                }
            }
        }
        return count;
    }

    /** Rows that this reads, for the row limit (spec/sql.md 11). */
    long estimate(ReadView view) {
        long pushedLimit = output instanceof Output.Count ? Long.MAX_VALUE : limit;
        return scans.stream().mapToLong(s -> s.estimate(view, pushedLimit)).sum();
    }
}
