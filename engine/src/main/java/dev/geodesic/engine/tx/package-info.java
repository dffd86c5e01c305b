/**
 * Transactions over tables. {@link dev.geodesic.engine.tx.ReadView} is what can be read,
 * {@link dev.geodesic.engine.tx.Transaction} what can be changed; {@code MutTx} implements it as an overlay over
 * {@code CommittedState}, and its end is {@code TxData}: the net inserts and deletes per table, which
 * {@code CommittedState.apply} makes visible and everybody else (log, subscriptions, recovery) reads.
 * {@code RecordingTransaction} stands before it while a view runs, and notes what the view read.
 */
package dev.geodesic.engine.tx;
