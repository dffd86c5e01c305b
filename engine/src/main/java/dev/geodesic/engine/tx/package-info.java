/**
 * Transactions over tables. {@link dev.geodesic.engine.tx.ReadView} is what can be read,
 * {@link dev.geodesic.engine.tx.Transaction} what can be changed; {@code MutTx} implements it as an overlay over
 * {@code CommittedState}, and its end is {@code TxData}: the net inserts and deletes per table, which
 * {@code CommittedState.apply} makes visible and everybody else (log, subscriptions, recovery) reads.
 *
 * <p>A read of any length uses a {@link dev.geodesic.engine.tx.SnapshotView}: the state of one moment, beside the writer. Rows
 * never change in place (an update deletes one and inserts another), so while a snapshot is open it is enough to note the step
 * at which rows were born and retired ({@code TableHistory}), and not to free retired rows that a snapshot sees ({@code
 * History}). The reader walks over a table in batches: it holds the shared lock while it collects pointers to rows that were
 * there at its step, live or retired, and reads their bytes without. Applies cost more while a snapshot is open, and nothing
 * more while none is. Who walks over each table only once ({@code CommittedState.openWalk}) makes them cheaper: rows behind the
 * walk need no history, and those before it none by key.
 *
 * <p>{@code RecordingTransaction} stands before a transaction while a view runs, and notes what the view read.
 */
package dev.geodesic.engine.tx;
