/**
 * Who watches what, and what each must be told of a transaction. A {@code Plan} is one distinct query, shared by everybody
 * who watches it: its rows are evaluated and encoded once per transaction. Plans over one table look at its changed rows;
 * plans over a join are grouped by the pairs of rows that they look at, which are found once per transaction. Either way
 * a {@code PlanIndex} leads from a row to those plans whose constants it has. {@link
 * dev.geodesic.engine.subscription.Subscriptions} goes from the changed tables to the plans, from the plans to the
 * subscribers, and hands each {@link dev.geodesic.engine.subscription.Subscriber} one message per transaction. Everything
 * here runs on the database's writer thread, but for two: {@link dev.geodesic.engine.subscription.ConfirmedGate} is shared with
 * the log's thread, and {@link dev.geodesic.engine.subscription.ClientStream} with readers.
 *
 * <p>The rows with which a set begins are {@link dev.geodesic.engine.subscription.SetRows}. A small set is read at once. A
 * large one is watched at once, but read beside the writer in a snapshot of that moment: its answer has a place in the client's
 * stream, and what the writer sends meanwhile waits behind it. So the client sees the rows of one offset and every change since.
 */
package dev.geodesic.engine.subscription;
