package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Integers;
import dev.geodesic.sats.PrimitiveType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** The groups of one run of an {@link Aggregation}. What it keeps counts for the budget. Not thread-safe. */
final class Groups {

    private final Aggregation aggregation;
    /** Of the rows that are grouped, by table number. */
    private final RowLayout[] layouts;
    private final QueryBudget budget;
    private final SortKeys keys;
    private final BsatnWriter key = new BsatnWriter();
    private final Map<SortKeys.Bytes, Group> groups = new HashMap<>();
    /** The only one, where there are no keys. */
    private final Group everything;

    /** @param values BSATN of the key columns, of whichever row came first */
    private record Group(byte[] values, Accumulator[] accumulators) {
    }

    Groups(Aggregation aggregation, RowLayout[] layouts, QueryBudget budget) {
        this.aggregation = aggregation;
        this.layouts = layouts;
        this.budget = budget;
        keys = SortKeys.ascending(aggregation.keys(), layouts);
        everything = aggregation.keys().isEmpty() ? new Group(new byte[0], accumulators()) : null;
    }

    private Accumulator[] accumulators() {
        return aggregation.calls().stream().map(c -> Accumulator.of(c, budget)).toArray(Accumulator[]::new);
    }

    void add(RowTuple rows) {
        Group group = everything == null ? group(rows) : everything;
        List<Aggregation.Call> calls = aggregation.calls();
        for (int i = 0; i < calls.size(); i++) {
            Accumulator accumulator = group.accumulators[i];
            if (calls.get(i).column().isEmpty()) {
                accumulator.add(null, 0);
            } else {
                BoundExpr.BoundColumn column = calls.get(i).column().get();
                MemorySegment segment = rows.segment(column.table());
                accumulator.add(
                        segment,
                        layouts[column.table()].columnOffset(segment, rows.offset(column.table()), column.position()));
            }
        }
    }

    private Group group(RowTuple rows) {
        keys.write(rows, key);
        SortKeys.Bytes bytes = new SortKeys.Bytes(key.toByteArray());
        Group group = groups.get(bytes);
        if (group == null) {
            BsatnWriter values = new BsatnWriter();
            for (BoundExpr.BoundColumn column : aggregation.keys()) {
                int table = column.table();
                SelectPlan.appendColumn(values, layouts[table], rows.segment(table), rows.offset(table), column.position());
            }
            group = new Group(values.toByteArray(), accumulators());
            budget.keepInOrder(bytes.bytes().length + values.length() + Accumulator.BYTES * group.accumulators.length);
            groups.put(bytes, group);
        }
        return group;
    }

    /**
     * Gives the rows of groups that HAVING lets through, until there is one after which no more are wanted. Without keys
     * that is one row, or none if no rows came and there is a function that needs some: there is no NULL.
     */
    void forEach(Predicate<RowTuple> wantsMore) {
        RowTuple tuple = new RowTuple(1);
        BsatnWriter row = new BsatnWriter();
        for (Group group : everything == null ? groups.values() : List.of(everything)) {
            budget.step();
            row.clear();
            row.writeRaw(group.values);
            boolean isWhole = true;
            for (int i = 0; i < group.accumulators.length && isWhole; i++) {
                isWhole = group.accumulators[i].write(row);
            }
            if (isWhole) {
                tuple.set(0, MemorySegment.ofArray(row.buffer()), 0, row.length());
                if (aggregation.having().test(tuple.segment(0), 0, row.length()) && !wantsMore.test(tuple)) {
                    return;
                }
            }
        }
    }

    /** One function over the rows of one group. */
    private abstract static sealed class Accumulator {

        /** Memory of one; about. */
        static final int BYTES = 48;

        static Accumulator of(Aggregation.Call call, QueryBudget budget) {
            if (call.function() == Expr.Aggregate.Function.COUNT) {
                return call.distinct() ? new Distinct(call.column().orElseThrow().kind(), budget) : new Count();
            }
            ValueKind kind = call.column().orElseThrow().kind();
            boolean isAverage = call.function() == Expr.Aggregate.Function.AVG;
            return switch (call.function()) {
                case MIN -> new Extreme(kind, -1, budget);
                case MAX -> new Extreme(kind, 1, budget);
                default -> kind.isFloat() ? new FloatSum(kind, isAverage)
                        : kind.isNarrow() ? new Sum(kind, isAverage, (PrimitiveType) call.type())
                        : new WideSum(kind, isAverage, (PrimitiveType) call.type());
            };
        }

        abstract void add(MemorySegment segment, long at);

        /** Appends the result; false if there is none, because no rows came. */
        abstract boolean write(BsatnWriter out);

        private static final class Count extends Accumulator {

            private long rows;

            @Override
            void add(MemorySegment segment, long at) {
                rows++;
            }

            @Override
            boolean write(BsatnWriter out) {
                out.writeU64(rows);
                return true;
            }
        }

        private static final class Distinct extends Accumulator {

            private final ValueKind kind;
            private final QueryBudget budget;
            private final Set<SortKeys.Bytes> values = new HashSet<>();
            private final BsatnWriter key = new BsatnWriter();

            Distinct(ValueKind kind, QueryBudget budget) {
                this.kind = kind;
                this.budget = budget;
            }

            @Override
            void add(MemorySegment segment, long at) {
                key.clear();
                SortKeys.write(kind, segment, at, key);
                if (values.add(new SortKeys.Bytes(key.toByteArray()))) {
                    budget.keepInOrder(key.length());
                }
            }

            @Override
            boolean write(BsatnWriter out) {
                out.writeU64(values.size());
                return true;
            }
        }

        private static final class Extreme extends Accumulator {

            private final ValueKind kind;
            private final int sign;
            private final QueryBudget budget;
            private byte[] value = {};
            private MemorySegment segmentOfValue = MemorySegment.NULL;

            Extreme(ValueKind kind, int sign, QueryBudget budget) {
                this.kind = kind;
                this.sign = sign;
                this.budget = budget;
            }

            @Override
            void add(MemorySegment segment, long at) {
                if (value.length > 0 && Integer.signum(kind.compare(segment, at, segmentOfValue, 0)) != sign) {
                    return;
                }
                int length = kind.byteSize(segment, at);
                if (length != value.length) {
                    budget.keepInOrder(length);
                    budget.keepInOrder(-value.length);
                    value = new byte[length];
                    segmentOfValue = MemorySegment.ofArray(value);
                }
                MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, value, 0, length);
            }

            @Override
            boolean write(BsatnWriter out) {
                out.writeRaw(value);
                return value.length > 0;
            }
        }

        private static final class FloatSum extends Accumulator {

            private final ValueKind kind;
            private final boolean isAverage;
            private double sum;
            private long rows;

            FloatSum(ValueKind kind, boolean isAverage) {
                this.kind = kind;
                this.isAverage = isAverage;
            }

            @Override
            void add(MemorySegment segment, long at) {
                sum += kind == ValueKind.F32
                        ? Float.intBitsToFloat(segment.get(ValueKind.INT, at))
                        : Double.longBitsToDouble(segment.get(ValueKind.LONG, at));
                rows++;
            }

            @Override
            boolean write(BsatnWriter out) {
                out.writeF64(isAverage ? sum / rows : sum);
                return rows > 0 || !isAverage;
            }
        }

        /** Of integers; the sum is exact. */
        private abstract static sealed class IntegerSum extends Accumulator {

            private final boolean isAverage;
            private final PrimitiveType type;
            private long rows;

            IntegerSum(boolean isAverage, PrimitiveType type) {
                this.isAverage = isAverage;
                this.type = type;
            }

            @Override
            void add(MemorySegment segment, long at) {
                rows++;
                addValue(segment, at);
            }

            abstract void addValue(MemorySegment segment, long at);

            abstract BigInteger sum();

            @Override
            boolean write(BsatnWriter out) {
                if (isAverage) {
                    out.writeF64(rows == 0 ? 0 : new BigDecimal(sum())
                            .divide(BigDecimal.valueOf(rows), MathContext.DECIMAL128).doubleValue());
                    return rows > 0;
                }
                BigInteger sum = sum();
                if (!Integers.fits(sum, type)) {
                    throw SqlError.of("SUM: " + sum + " does not fit type `" + TypeText.of(type) + "`");
                }
                Integers.write(sum, type.byteSize(), out);
                return true;
            }
        }

        /** Up to 64 bits each, in 128. */
        private static final class Sum extends IntegerSum {

            private final ValueKind kind;
            private long high;
            private long low;

            Sum(ValueKind kind, boolean isAverage, PrimitiveType type) {
                super(isAverage, type);
                this.kind = kind;
            }

            @Override
            void addValue(MemorySegment segment, long at) {
                boolean isUnsigned = kind == ValueKind.U64;
                long value = isUnsigned ? segment.get(ValueKind.LONG, at) : kind.sortKey(segment, at);
                low += value;
                high += (isUnsigned ? 0 : value >> Long.SIZE - 1) + (Long.compareUnsigned(low, value) < 0 ? 1 : 0);
            }

            @Override
            BigInteger sum() {
                BigInteger word = BigInteger.ONE.shiftLeft(Long.SIZE);
                return BigInteger.valueOf(high).shiftLeft(Long.SIZE)
                        .or(BigInteger.valueOf(low).and(word.subtract(BigInteger.ONE)));
            }
        }

        private static final class WideSum extends IntegerSum {

            private final ValueKind kind;
            private final byte[] bytes;
            private BigInteger sum = BigInteger.ZERO;

            WideSum(ValueKind kind, boolean isAverage, PrimitiveType type) {
                super(isAverage, type);
                this.kind = kind;
                bytes = new byte[kind.byteSize()];
            }

            @Override
            void addValue(MemorySegment segment, long at) {
                MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, bytes, 0, bytes.length);
                sum = sum.add(Integers.fromLittleEndian(bytes, 0, bytes.length, kind.isSigned()));
            }

            @Override
            BigInteger sum() {
                return sum;
            }
        }
    }
}
