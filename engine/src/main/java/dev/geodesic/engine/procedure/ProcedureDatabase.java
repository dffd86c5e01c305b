package dev.geodesic.engine.procedure;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.ConnectionId;
import java.util.Optional;

/** What procedures need of their database. */
public interface ProcedureDatabase {

    /** Something for the writer thread to do. */
    interface WriterTask {

        /** May throw only what must stop the database. */
        void run();

        /** Called instead of {@link #run}, on any thread, if the database has stopped. */
        void refuse(EngineException reason);
    }

    /** Queues work for the writer. Any thread. */
    void onWriter(WriterTask task);

    /** Opens the transaction. Writer thread. */
    Transaction begin(long timestampMicros);

    /**
     * Ends the transaction: commits and broadcasts it, with the database as its caller. Writer thread. May throw only what
     * must stop the database.
     *
     * @return why the transaction was rolled back instead, if it was
     */
    Optional<EngineException> commit(long timestampMicros);

    /** Ends the transaction. Writer thread. */
    void rollback();

    /** Offset of the last transaction, -1 before the first. Writer thread. */
    long lastTxOffset();

    /** Payload of a connection's token. For whoever has the transaction. */
    Optional<String> credentials(ConnectionId connection);

    /** Time in microseconds since the epoch. Any thread. */
    long nowMicros();

    /** Writes to the module's log, for its author. Any thread. */
    void logError(String function, String text);

    /** Stops the database: an invariant is broken. Any thread. */
    void fault(Throwable cause);
}
