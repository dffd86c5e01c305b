package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.table.RowLayout;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;

/** Compiles conditions over one table into {@link RowPredicate}s, and over several into {@link TuplePredicate}s. */
final class Predicates {

    private Predicates() {
    }

    static RowPredicate compile(BoundExpr expr, RowLayout layout) {
        return switch (expr) {
            case BoundExpr.Constant(boolean value) -> value ? RowPredicate.ALWAYS : RowPredicate.NEVER;
            case BoundExpr.And(List<BoundExpr> terms) -> new All(compile(terms, layout));
            case BoundExpr.Or(List<BoundExpr> terms) -> new Any(compile(terms, layout));
            case BoundExpr.CompareConstant(Operator operator, BoundExpr.BoundColumn column, byte[] value) ->
                compareConstant(operator, column, MemorySegment.ofArray(value), layout);
            case BoundExpr.CompareColumns(Operator operator, BoundExpr.BoundColumn left, BoundExpr.BoundColumn right) ->
                new Columns(layout, left.position(), right.position(), left.kind(), operator);
        };
    }

    private static RowPredicate[] compile(List<BoundExpr> terms, RowLayout layout) {
        return terms.stream().map(t -> compile(t, layout)).toArray(RowPredicate[]::new);
    }

    /** @param layouts by table number */
    static TuplePredicate compileTuple(BoundExpr expr, RowLayout[] layouts) {
        if (expr == BoundExpr.TRUE) {
            return TuplePredicate.ALWAYS;
        }
        BitSet tables = expr.tables();
        if (tables.cardinality() <= 1) {
            int table = Math.max(0, tables.nextSetBit(0));
            return new OfOne(table, compile(expr, layouts[table]));
        }
        return switch (expr) {
            case BoundExpr.And(List<BoundExpr> terms) -> new AllOf(compileTuples(terms, layouts));
            case BoundExpr.Or(List<BoundExpr> terms) -> new AnyOf(compileTuples(terms, layouts));
            case BoundExpr.CompareColumns(Operator operator, BoundExpr.BoundColumn left, BoundExpr.BoundColumn right) ->
                new Across(left, layouts[left.table()], right, layouts[right.table()], operator);
            case BoundExpr.CompareConstant one -> throw new IllegalStateException("speaks of one table");
            case BoundExpr.Constant none -> throw new IllegalStateException("speaks of no table");
        };
    }

    private static TuplePredicate[] compileTuples(List<BoundExpr> terms, RowLayout[] layouts) {
        return terms.stream().map(t -> compileTuple(t, layouts)).toArray(TuplePredicate[]::new);
    }

    private static RowPredicate compareConstant(
            Operator operator, BoundExpr.BoundColumn column, MemorySegment value, RowLayout layout) {
        ValueKind kind = column.kind();
        if (kind.isNarrow()) {
            return new Narrow(layout, column.position(), kind, operator, kind.sortKey(value, 0));
        }
        boolean isEquality = operator == Operator.EQUAL || operator == Operator.NOT_EQUAL;
        if (kind.isText() && isEquality) {
            return new TextEquality(layout, column.position(), value, operator == Operator.EQUAL);
        }
        return new Wide(layout, column.position(), kind, operator, value);
    }

    private record All(RowPredicate[] terms) implements RowPredicate {
        @Override
        public boolean test(MemorySegment segment, long rowOffset, int length) {
            for (RowPredicate term : terms) {
                if (!term.test(segment, rowOffset, length)) {
                    return false;
                }
            }
            return true;
        }
    }

    private record Any(RowPredicate[] terms) implements RowPredicate {
        @Override
        public boolean test(MemorySegment segment, long rowOffset, int length) {
            for (RowPredicate term : terms) {
                if (term.test(segment, rowOffset, length)) {
                    return true;
                }
            }
            return false;
        }
    }

    /** A column of up to eight bytes beside a constant. */
    private record Narrow(RowLayout layout, int column, ValueKind kind, Operator operator, long key) implements RowPredicate {
        @Override
        public boolean test(MemorySegment segment, long rowOffset, int length) {
            long at = layout.columnOffset(segment, rowOffset, column);
            return operator.accepts(Long.compare(kind.sortKey(segment, at), key));
        }
    }

    /** A string or bytes column equal or unequal to a constant. */
    private record TextEquality(RowLayout layout, int column, MemorySegment value, boolean wanted) implements RowPredicate {
        @Override
        public boolean test(MemorySegment segment, long rowOffset, int length) {
            long at = layout.columnOffset(segment, rowOffset, column);
            boolean same = ValueKind.sameTextLength(segment, at, value, 0)
                    && RowLayout.sameBytes(segment, at, value, 0, (int) value.byteSize());
            return same == wanted;
        }
    }

    /** Any other column beside a constant. */
    private record Wide(RowLayout layout, int column, ValueKind kind, Operator operator, MemorySegment value)
            implements RowPredicate {
        @Override
        public boolean test(MemorySegment segment, long rowOffset, int length) {
            long at = layout.columnOffset(segment, rowOffset, column);
            return operator.accepts(kind.compare(segment, at, value, 0));
        }
    }

    /** Two columns of one row. */
    private record Columns(RowLayout layout, int left, int right, ValueKind kind, Operator operator) implements RowPredicate {
        @Override
        public boolean test(MemorySegment segment, long rowOffset, int length) {
            long leftAt = layout.columnOffset(segment, rowOffset, left);
            long rightAt = layout.columnOffset(segment, rowOffset, right);
            return operator.accepts(kind.compare(segment, leftAt, segment, rightAt));
        }
    }

    private record OfOne(int table, RowPredicate condition) implements TuplePredicate {
        @Override
        public boolean test(RowTuple rows) {
            return condition.test(rows.segment(table), rows.offset(table), rows.length(table));
        }
    }

    private record AllOf(TuplePredicate[] terms) implements TuplePredicate {
        @Override
        public boolean test(RowTuple rows) {
            for (TuplePredicate term : terms) {
                if (!term.test(rows)) {
                    return false;
                }
            }
            return true;
        }
    }

    private record AnyOf(TuplePredicate[] terms) implements TuplePredicate {
        @Override
        public boolean test(RowTuple rows) {
            for (TuplePredicate term : terms) {
                if (term.test(rows)) {
                    return true;
                }
            }
            return false;
        }
    }

    /** Columns of two rows. */
    private record Across(
            BoundExpr.BoundColumn left, RowLayout leftLayout, BoundExpr.BoundColumn right, RowLayout rightLayout,
            Operator operator) implements TuplePredicate {
        @Override
        public boolean test(RowTuple rows) {
            MemorySegment leftRow = rows.segment(left.table());
            MemorySegment rightRow = rows.segment(right.table());
            long leftAt = leftLayout.columnOffset(leftRow, rows.offset(left.table()), left.position());
            long rightAt = rightLayout.columnOffset(rightRow, rows.offset(right.table()), right.position());
            return operator.accepts(left.kind().compare(leftRow, leftAt, rightRow, rightAt));
        }
    }
}
