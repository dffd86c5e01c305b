/**
 * Who watches what, and what each must be told of a transaction. A {@code Plan} is one distinct query, shared by everybody
 * who watches it: its rows are evaluated and encoded once per transaction. Plans over one table look at its changed rows;
 * plans over a join are grouped by the pairs of rows that they look at, which are found once per transaction. {@link
 * dev.geodesic.engine.subscription.Subscriptions} goes from the changed tables to the plans, from the plans to the
 * subscribers, and hands each {@link dev.geodesic.engine.subscription.Subscriber} one message per transaction. Everything
 * here runs on the database's writer thread; {@link dev.geodesic.engine.subscription.ConfirmedGate} alone is shared with
 * the log's thread.
 */
package dev.geodesic.engine.subscription;
