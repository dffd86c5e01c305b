package dev.geodesic.engine.database;

import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;

/** Something that takes part in every transaction of a database. Writer thread. */
interface Participant {

    /**
     * The last thing that happens inside the transaction, in the order in which participants joined.
     *
     * @throws dev.geodesic.engine.base.EngineException to have the transaction rolled back; its caller gets the error
     */
    default void beforeCommit(MutTx tx) {
    }

    /**
     * The transaction is visible, in the log's hands, and subscribers have been told.
     *
     * @param data what it changed; possibly nothing
     * @param timestampMicros time of the call behind it
     */
    default void committed(TxData data, long timestampMicros) {
    }

    /** The transaction came to nothing, after or without {@link #beforeCommit}. */
    default void rolledBack() {
    }
}
