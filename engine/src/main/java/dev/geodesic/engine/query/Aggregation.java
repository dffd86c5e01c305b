package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * GROUP BY and aggregates (docs/sql.md). A group is a row of its own: the keys, then the results of the functions; HAVING,
 * the output and its order are about these rows. Immutable.
 *
 * @param keys columns of the rows that are grouped; none makes one group of all rows
 * @param layout of the rows of groups
 */
record Aggregation(List<BoundExpr.BoundColumn> keys, List<Call> calls, RowPredicate having, RowLayout layout) {

    /**
     * One function over the rows of a group.
     *
     * @param column empty for {@code COUNT(*)}
     * @param type of its result
     */
    record Call(Expr.Aggregate.Function function, boolean distinct, Optional<BoundExpr.BoundColumn> column, AlgebraicType type) {

        /** Errors: SQL if the function does not take the type of the column. */
        static Call of(Expr.Aggregate call, Optional<Scope.Resolved> column) {
            Expr.Aggregate.Function function = call.function();
            if (function == Expr.Aggregate.Function.COUNT && !call.distinct()) {
                return new Call(function, false, Optional.empty(), PrimitiveType.U64);
            }
            AlgebraicType type = column.orElseThrow().column().type();
            AlgebraicType result = switch (function) {
                case COUNT -> comparable(call, type, PrimitiveType.U64);
                case MIN, MAX -> comparable(call, type, type);
                case SUM -> sum(call, type);
                case AVG -> {
                    sum(call, type);
                    yield PrimitiveType.F64;
                }
            };
            return new Call(function, call.distinct(), column.map(Binder::bound), result);
        }

        private static AlgebraicType comparable(Expr.Aggregate call, AlgebraicType type, AlgebraicType result) {
            if (ValueKind.of(type) == ValueKind.OTHER) {
                throw unsupported(call, type);
            }
            return result;
        }

        /** Twice the width, from 64 to 256 bits, with the same sign. */
        private static PrimitiveType sum(Expr.Aggregate call, AlgebraicType type) {
            return switch (ValueKind.of(type)) {
                case I8, I16, I32 -> PrimitiveType.I64;
                case U8, U16, U32 -> PrimitiveType.U64;
                case I64 -> PrimitiveType.I128;
                case U64 -> PrimitiveType.U128;
                case I128, I256 -> PrimitiveType.I256;
                case U128, U256 -> PrimitiveType.U256;
                case F32, F64 -> PrimitiveType.F64;
                default -> throw unsupported(call, type);
            };
        }

        private static RuntimeException unsupported(Expr.Aggregate call, AlgebraicType type) {
            return SqlError.of("Unsupported aggregate function: " + SqlError.shorten(call.toString()) + " for type `"
                    + TypeText.of(type) + "`");
        }
    }

    /** Types of the rows of groups; columns are named by their position. */
    static ProductType rowType(List<AlgebraicType> keys, List<Call> calls) {
        List<AlgebraicType> types = new ArrayList<>(keys);
        calls.forEach(c -> types.add(c.type()));
        List<ProductElement> elements = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            elements.add(ProductElement.of(Integer.toString(i), types.get(i)));
        }
        return new ProductType(elements);
    }
}
