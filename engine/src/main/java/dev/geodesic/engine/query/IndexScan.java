package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How constants find rows of one table by an index: a point if all of its columns are fixed (spec/sql.md 12); otherwise, which
 * the specification does not have, a range of an ordered index, over its first columns that are fixed and bounds of the next.
 * Immutable.
 *
 * @param decided terms that every row found fulfils
 * @param key of a point
 * @param range null for a point
 * @param fixed number of columns that are fixed
 */
record IndexScan(IndexSchema index, List<BoundExpr> decided, MemorySegment key, KeyRange range, int fixed) {

    private static final Comparator<IndexSchema> BETTER_POINT =
            Comparator.<IndexSchema>comparingInt(i -> i.algorithm().columns().size())
                    .thenComparing(IndexSchema::unique)
                    .thenComparing(IndexSchema::indexId, Comparator.reverseOrder());
    private static final int INCLUSIVE = 0;
    private static final int EXCLUSIVE = 1;
    private static final int UNBOUNDED = 2;

    /** The best way for a conjunction of terms, if there is any. */
    static Optional<IndexScan> choose(TableSchema table, List<BoundExpr> terms) {
        if (table.indexes().isEmpty() || terms.isEmpty()) {
            return Optional.empty();
        }
        Map<Integer, BoundExpr.CompareConstant> equal = new HashMap<>();
        for (BoundExpr term : terms) {
            if (term instanceof BoundExpr.CompareConstant c && c.operator() == Operator.EQUAL) {
                equal.putIfAbsent(c.column().position(), c);
            }
        }
        IndexSchema point = null;
        for (IndexSchema index : table.indexes()) {
            if (equal.keySet().containsAll(index.algorithm().columns())
                    && comparesValues(index, equal)
                    && (point == null || BETTER_POINT.compare(index, point) > 0)) {
                point = index;
            }
        }
        return point != null ? Optional.of(point(point, equal)) : range(table, terms, equal);
    }

    /** A hash index over several columns may compare bytes (spec/bsatn.md 5), in which 0.0 and -0.0 differ. */
    private static boolean comparesValues(IndexSchema index, Map<Integer, BoundExpr.CompareConstant> equal) {
        List<Integer> columns = index.algorithm().columns();
        return !(index.algorithm() instanceof IndexAlgorithm.Hash)
                || columns.size() == 1
                || columns.stream().noneMatch(c -> equal.get(c).column().kind().isFloat());
    }

    private static IndexScan point(IndexSchema index, Map<Integer, BoundExpr.CompareConstant> equal) {
        BsatnWriter key = new BsatnWriter();
        List<BoundExpr> decided = new ArrayList<>();
        for (int column : index.algorithm().columns()) {
            key.writeRaw(equal.get(column).value());
            decided.add(equal.get(column));
        }
        return new IndexScan(index, decided, MemorySegment.ofArray(key.toByteArray()), null, decided.size());
    }

    private static Optional<IndexScan> range(
            TableSchema table, List<BoundExpr> terms, Map<Integer, BoundExpr.CompareConstant> equal) {
        return table.indexes().stream()
                .filter(i -> i.algorithm().isOrdered())
                .map(i -> range(i, terms, equal))
                .flatMap(Optional::stream)
                .max(Comparator.comparingInt(IndexScan::fixed)
                        .thenComparing(s -> s.decided.size())
                        .thenComparing(s -> s.index.indexId(), Comparator.reverseOrder()));
    }

    private static Optional<IndexScan> range(
            IndexSchema index, List<BoundExpr> terms, Map<Integer, BoundExpr.CompareConstant> equal) {
        List<Integer> columns = index.algorithm().columns();
        List<BoundExpr> decided = new ArrayList<>();
        BsatnWriter bytes = new BsatnWriter();
        // Of an index over one column that is fixed there is a point.
        while (decided.size() < columns.size() - 1 && equal.containsKey(columns.get(decided.size()))) {
            BoundExpr.CompareConstant term = equal.get(columns.get(decided.size()));
            bytes.writeRaw(term.value());
            decided.add(term);
        }
        int fixed = decided.size();
        int prefixLength = bytes.length();
        Optional<BoundExpr.CompareConstant> lower =
                bound(terms, columns.get(fixed), Operator.GREATER, Operator.GREATER_OR_EQUAL);
        Optional<BoundExpr.CompareConstant> upper = bound(terms, columns.get(fixed), Operator.LESS, Operator.LESS_OR_EQUAL);
        writeBound(lower, bytes);
        int upperOffset = bytes.length();
        writeBound(upper, bytes);
        Stream.of(lower, upper).flatMap(Optional::stream).forEach(decided::add);
        if (decided.isEmpty()) {
            return Optional.empty();
        }
        MemorySegment segment = MemorySegment.ofArray(bytes.toByteArray());
        KeyRange range = new KeyRange(
                segment, 0, prefixLength, fixed, prefixLength, upperOffset - prefixLength, upperOffset,
                bytes.length() - upperOffset);
        return Optional.of(new IndexScan(index, decided, segment, range, fixed));
    }

    private static Optional<BoundExpr.CompareConstant> bound(
            List<BoundExpr> terms, int column, Operator exclusive, Operator inclusive) {
        return terms.stream()
                .filter(BoundExpr.CompareConstant.class::isInstance)
                .map(BoundExpr.CompareConstant.class::cast)
                .filter(c -> c.column().position() == column && (c.operator() == exclusive || c.operator() == inclusive))
                .findFirst();
    }

    private static void writeBound(Optional<BoundExpr.CompareConstant> bound, BsatnWriter out) {
        if (bound.isEmpty()) {
            out.writeU8(UNBOUNDED);
            return;
        }
        Operator operator = bound.get().operator();
        out.writeU8(operator == Operator.LESS || operator == Operator.GREATER ? EXCLUSIVE : INCLUSIVE);
        out.writeRaw(bound.get().value());
    }

    boolean isPoint() {
        return range == null;
    }

    RowIterator open(ReadView view) {
        return isPoint()
                ? view.point(index.indexId(), key, 0, (int) key.byteSize())
                : view.range(index.indexId(), range);
    }
}
