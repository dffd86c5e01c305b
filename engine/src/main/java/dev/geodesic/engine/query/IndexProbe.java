package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Finds the rows of one table that go with rows of others by a point of one index. Each column of the index is fixed by a
 * constant or by a column of the other rows (spec/sql.md 12). Immutable.
 */
final class IndexProbe {

    private final IndexSchema index;
    private final List<Part> parts;

    /** Terms of the condition that the index decides. */
    private final List<BoundExpr> decided;

    private sealed interface Part {

        record Constant(byte[] value) implements Part {
        }

        record Column(BoundExpr.BoundColumn column, RowLayout layout) implements Part {
        }
    }

    private IndexProbe(IndexSchema index, List<Part> parts, List<BoundExpr> decided) {
        this.index = index;
        this.parts = parts;
        this.decided = decided;
    }

    /**
     * The best index for table {@code number}: a unique one before others, then the one with most columns.
     *
     * @param local terms over this table alone
     * @param joining terms over this table and known ones
     * @param layouts by table number
     */
    static Optional<IndexProbe> choose(
            TableSchema table, int number, List<BoundExpr> local, List<BoundExpr> joining, RowLayout[] layouts) {
        Map<Integer, BoundExpr> constants = new HashMap<>();
        for (BoundExpr term : local) {
            if (term instanceof BoundExpr.CompareConstant c && c.operator() == Operator.EQUAL) {
                constants.putIfAbsent(c.column().position(), c);
            }
        }
        Map<Integer, BoundExpr> columns = new HashMap<>();
        joining.forEach(term -> own(term, number).ifPresent(own -> columns.putIfAbsent(own, term)));
        return table.indexes().stream()
                .map(index -> of(index, number, constants, columns, layouts))
                .flatMap(Optional::stream)
                .max(Comparator.<IndexProbe, Boolean>comparing(p -> p.index.unique())
                        .thenComparing(p -> p.parts.size())
                        .thenComparing(p -> p.index.indexId(), Comparator.reverseOrder()));
    }

    private static Optional<IndexProbe> of(
            IndexSchema index, int number, Map<Integer, BoundExpr> constants, Map<Integer, BoundExpr> columns,
            RowLayout[] layouts) {
        List<Part> parts = new ArrayList<>();
        List<BoundExpr> decided = new ArrayList<>();
        List<Integer> indexed = index.algorithm().columns();
        boolean joins = false;
        for (int column : indexed) {
            BoundExpr term = columns.getOrDefault(column, constants.get(column));
            switch (term) {
                case BoundExpr.CompareConstant c when comparesValues(index, c.column()) ->
                    parts.add(new Part.Constant(c.value()));
                case BoundExpr.CompareColumns c when comparesValues(index, c.left()) -> {
                    BoundExpr.BoundColumn other = c.left().table() == number ? c.right() : c.left();
                    parts.add(new Part.Column(other, layouts[other.table()]));
                    joins = true;
                }
                case null, default -> {
                    return Optional.empty();
                }
            }
            decided.add(term);
        }
        return joins ? Optional.of(new IndexProbe(index, List.copyOf(parts), List.copyOf(decided))) : Optional.empty();
    }

    /** A hash index over several columns may compare bytes (spec/bsatn.md 5), in which 0.0 and -0.0 differ. */
    private static boolean comparesValues(IndexSchema index, BoundExpr.BoundColumn column) {
        return !(index.algorithm() instanceof IndexAlgorithm.Hash)
                || index.algorithm().columns().size() == 1
                || !column.kind().isFloat();
    }

    /** The column of table {@code number} that a term sets equal to a column of another table. */
    private static OptionalInt own(BoundExpr term, int number) {
        if (term instanceof BoundExpr.CompareColumns(Operator operator, BoundExpr.BoundColumn left, BoundExpr.BoundColumn right)
                && operator == Operator.EQUAL
                && left.table() != right.table()) {
            return left.table() == number ? OptionalInt.of(left.position())
                    : right.table() == number ? OptionalInt.of(right.position()) : OptionalInt.empty();
        }
        return OptionalInt.empty();
    }

    static boolean isEquality(BoundExpr term, int number) {
        return own(term, number).isPresent();
    }

    boolean hasConstants() {
        return parts.stream().anyMatch(Part.Constant.class::isInstance);
    }

    IndexSchema index() {
        return index;
    }

    List<BoundExpr> decided() {
        return decided;
    }

    /** Equal for probes that look in the same index for the same keys. */
    String describe() {
        StringBuilder text = new StringBuilder().append(index.indexId());
        for (Part part : parts) {
            text.append(switch (part) {
                case Part.Constant(byte[] value) -> "=" + HexFormat.of().formatHex(value);
                case Part.Column(BoundExpr.BoundColumn column, RowLayout layout) -> "#" + column.position();
            });
        }
        return text.toString();
    }

    /** The rows that go with those in the tuple. */
    RowIterator open(ReadView view, RowTuple rows) {
        if (parts.size() == 1 && parts.getFirst() instanceof Part.Column(BoundExpr.BoundColumn column, RowLayout layout)) {
            MemorySegment segment = rows.segment(column.table());
            long row = rows.offset(column.table());
            return view.point(
                    index.indexId(),
                    segment,
                    layout.columnOffset(segment, row, column.position()),
                    layout.columnLength(segment, row, column.position()));
        }
        BsatnWriter key = new BsatnWriter();
        for (Part part : parts) {
            switch (part) {
                case Part.Constant(byte[] value) -> key.writeRaw(value);
                case Part.Column(BoundExpr.BoundColumn column, RowLayout layout) -> SelectPlan.appendColumn(
                        key, layout, rows.segment(column.table()), rows.offset(column.table()), column.position());
            }
        }
        return view.point(index.indexId(), MemorySegment.ofArray(key.buffer()), 0, key.length());
    }
}
