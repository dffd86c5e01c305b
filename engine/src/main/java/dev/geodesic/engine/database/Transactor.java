package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.durability.DiskWatch;
import dev.geodesic.engine.durability.Durability;
import dev.geodesic.engine.durability.TxRecord;
import dev.geodesic.engine.subscription.Subscriber;
import dev.geodesic.engine.subscription.Subscriptions;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.sats.BsatnWriter;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * The one read-write transaction of a database, and the one way from it to tables, log and subscribers. Writer thread,
 * except where a method says otherwise.
 */
final class Transactor {

    static final String OUT_OF_MEMORY = "the Java heap of the server is full; nothing has changed";

    /** A record buffer that grew beyond this is not kept. */
    private static final int KEEP_RECORD_BYTES = 1 << 20;

    private final CommittedState committed;
    private final MutTx tx;
    private final Durability durability;
    private final DiskWatch disk;
    private final Subscriptions subscriptions;
    private final Clock clock;
    private final List<Participant> participants = new ArrayList<>();
    private BsatnWriter record = new BsatnWriter(4096);
    private boolean nameCallers;
    private boolean aboutConnections;
    private volatile long lastDataOffset;

    Transactor(
            Limits limits, CommittedState committed, Catalog catalog, Durability durability, Subscriptions subscriptions,
            Clock clock, DiskWatch disk) {
        this.committed = committed;
        this.disk = disk;
        this.tx = new MutTx(committed, limits, catalog);
        this.durability = durability;
        this.subscriptions = subscriptions;
        this.clock = clock;
        this.lastDataOffset = lastTxOffset();
    }

    /** Before the first transaction. */
    void join(Participant participant) {
        participants.add(participant);
    }

    /** Whether v1 clients learn who called, which they do of modules of version 9. */
    void nameCallers(boolean name) {
        nameCallers = name;
    }

    /** The transaction, open or not. */
    MutTx tx() {
        return tx;
    }

    /** Committed state, between transactions. */
    ReadView view() {
        return committed.writerView();
    }

    /** Offset of the last transaction, -1 before the first. */
    long lastTxOffset() {
        return committed.nextTxOffset() - 1;
    }

    /**
     * Offset of the last transaction that changed more than who is connected, never less than of the last that a reader can
     * see. Any thread.
     */
    long lastDataOffset() {
        return lastDataOffset;
    }

    /** The time of calls and commits, in microseconds since 1970. Any thread. */
    long nowMicros() {
        return Database.micros(clock.instant());
    }

    MutTx begin() {
        return tx.begin();
    }

    void rollback() {
        tx.rollback();
        for (Participant participant : participants) {
            participant.rolledBack();
        }
    }

    /**
     * Applies, logs and broadcasts the open transaction; returns what {@code caller} sees of it. If a participant objects
     * the transaction is rolled back and its error thrown.
     *
     * @param cause the call behind it
     * @param caller subscriber that gets its own part as the return value instead of a message, or null
     */
    List<QuerySetUpdate> commit(ReducerCall cause, Subscriber caller) {
        TxData data;
        try {
            for (Participant participant : participants) {
                participant.beforeCommit(tx);
            }
            data = tx.finish();
            checkDisk(data);
        } catch (Throwable e) {
            rollback();
            throw e;
        }
        try {
            List<QuerySetUpdate> own = data.isEmpty() ? List.of() : publish(data, cause, caller);
            if (data.isEmpty()) {
                tx.end();
            }
            for (Participant participant : participants) {
                participant.committed(data, cause.timestampMicros());
            }
            return own;
        } catch (EngineException e) {
            // Whatever it was: tables, log and clients may say different things now.
            throw Database.isFatal(e) ? e : new EngineException(ErrorCode.INTERNAL, "a commit failed: " + e.getMessage(), e);
        }
    }

    /**
     * Errors: DISK_FULL. The log must not fail for want of room, because it would stop for good: before that, only what does
     * not add data and what people need to look at it is let through.
     */
    private void checkDisk(TxData data) {
        if (disk.isWritable() || data.isEmpty() || data.isVolatile()) {
            return;
        }
        boolean deletes = data.created().isEmpty();
        for (TxData.TableChange change : data.changes()) {
            deletes &= change.inserts().size() == 0;
        }
        boolean connections = aboutConnections || isAboutConnections(data);
        if (disk.level() == DiskWatch.Level.EXHAUSTED ? !(deletes && connections) : !(deletes || connections)) {
            throw new EngineException(
                    ErrorCode.DISK_FULL, "the disk of the server is full: " + disk.usableBytes()
                            + " bytes are left, less than the setting geodesic.disk.stop.bytes; nothing has changed");
        }
    }

    /** Whether the disk has room for new data. */
    boolean isWritable() {
        return disk.isWritable();
    }

    /** Runs work whose transactions are needed for clients to come and go, whatever else they write. */
    <T> T aboutConnections(Supplier<T> work) {
        aboutConnections = true;
        try {
            return work.get();
        } finally {
            aboutConnections = false;
        }
    }

    private List<QuerySetUpdate> publish(TxData data, ReducerCall cause, Subscriber caller) {
        long txOffset;
        if (data.isVolatile()) {
            committed.applyPart(data);
            tx.end();
            txOffset = lastTxOffset();
        } else {
            if (!isAboutConnections(data)) {
                // Before readers can see it.
                lastDataOffset = committed.nextTxOffset();
            }
            txOffset = committed.apply(data, nowMicros());
            tx.end();
            record.clear();
            TxRecord.write(data, committed.commitMicros(), record);
            durability.append(txOffset, record.buffer(), 0, record.length());
            if (record.buffer().length > KEEP_RECORD_BYTES) {
                record = new BsatnWriter(4096);
            }
        }
        return subscriptions.broadcast(data, txOffset, cause, nameCallers, caller);
    }

    /** Whether nothing but who is connected has changed. */
    private static boolean isAboutConnections(TxData data) {
        for (TxData.TableChange change : data.changes()) {
            if (!SystemTables.describesConnections(change.table().id())) {
                return false;
            }
        }
        return data.created().isEmpty() && data.dropped().isEmpty();
    }

    /** Runs work in a transaction and commits it; rolls back if it throws. */
    <T> T transact(ReducerCall cause, Supplier<T> work) {
        tx.begin();
        T result;
        try {
            result = work.get();
        } catch (OutOfMemoryError e) {
            rollback();
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, OUT_OF_MEMORY, e);
        } catch (Throwable e) {
            rollback();
            throw e;
        }
        commit(cause, null);
        return result;
    }

    void transact(ReducerCall cause, Runnable work) {
        transact(cause, () -> {
            work.run();
            return null;
        });
    }
}
