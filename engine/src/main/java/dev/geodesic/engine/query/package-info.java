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
 * <p>A query over several tables is a {@code JoinPlan}: one table after the other, by an index where there is one. {@code
 * RowLevelSecurity} turns the query of a caller into those whose results together the caller may see, and a view is its
 * backing table with a condition on whose rows they are.
 *
 * <p>Imports {@code base}, {@code auth}, {@code schema}, {@code table}, {@code tx}, {@code catalog} and {@code sats}.
 */
package dev.geodesic.engine.query;
