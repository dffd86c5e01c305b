/**
 * SQL over tables (spec/sql.md). {@link dev.geodesic.engine.query.SqlEngine} is the way in: text becomes a
 * {@link dev.geodesic.engine.query.parse.Statement}, the {@code Binder} resolves its names and types against a
 * {@link dev.geodesic.engine.tx.ReadView} and encodes its constants, and what comes out is a plan:
 * {@link dev.geodesic.engine.query.SelectPlan}, {@link dev.geodesic.engine.query.DmlPlan} or, for subscriptions,
 * {@link dev.geodesic.engine.query.SubscriptionQuery}. Plans hold for the schema and the caller they were made for; make
 * them anew when a module update changes tables.
 *
 * <p>Conditions are {@link dev.geodesic.engine.query.RowPredicate}s over the bytes of rows: constants were encoded once, a
 * test allocates nothing.
 *
 * <p>What a SELECT makes of the rows that it finds is its {@code ResultShape}: output columns, groups ({@code Aggregation},
 * {@code Groups}), order ({@code SortKeys}, {@code RowSorter}); all but columns, COUNT and LIMIT is an extension of the query
 * dialect (docs/sql.md). {@code PlanText} shows a plan for EXPLAIN. A {@code QueryBudget} bounds time and memory of a run.
 *
 * <p>A query over several tables is a {@code JoinPlan}: one table after the other, by an index where there is one. {@code
 * RowLevelSecurity} turns the query of a caller into those whose results together the caller may see, and a view is its
 * backing table with a condition on whose rows they are.
 *
 * <p>Imports {@code base}, {@code auth}, {@code schema}, {@code table}, {@code tx}, {@code catalog} and {@code sats}.
 */
package dev.geodesic.engine.query;
