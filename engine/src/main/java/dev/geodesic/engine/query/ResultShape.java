package dev.geodesic.engine.query;

import dev.geodesic.sats.ProductType;
import java.util.List;
import java.util.Optional;

/**
 * What a SELECT makes of the combinations of rows that it finds.
 *
 * @param aggregation if there is one, output and order are about its one table, the rows of groups
 * @param schema names and types of the output columns
 */
record ResultShape(SelectPlan.Output output, Optional<Aggregation> aggregation, Order order, ProductType schema) {

    /**
     * Which rows are given, and when.
     *
     * @param keys none for any order
     * @param distinct the output columns; none if rows may repeat
     */
    record Order(List<SortKeys.Key> keys, List<BoundExpr.BoundColumn> distinct, long offset, long limit) {

        static final Order ALL = new Order(List.of(), List.of(), 0, Long.MAX_VALUE);

        /** Rows that have to be found if all of them count and come in any order. */
        long rowsWanted() {
            return SelectPlan.sum(offset, limit);
        }

        /** Whether a row may be given as soon as it is found. */
        boolean isAny() {
            return keys.isEmpty() && distinct.isEmpty();
        }
    }

    /** Whether nothing has to be kept before the first row is given. */
    boolean isPassing() {
        return aggregation.isEmpty() && order.isAny();
    }
}
