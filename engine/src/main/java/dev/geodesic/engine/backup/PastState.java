package dev.geodesic.engine.backup;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.base.MemoryUse;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.durability.Recovery;
import dev.geodesic.engine.durability.SnapshotInfo;
import dev.geodesic.engine.durability.SnapshotProgress;
import dev.geodesic.engine.durability.SnapshotStore;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.SnapshotView;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.Identity;
import java.util.function.Supplier;

/** The state of a database at one moment of its past, in memory. One thread. */
public final class PastState implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(PastState.class.getName());
    private static final Limits.Reads UNLIMITED = new Limits.Reads(Long.MAX_VALUE, Long.MAX_VALUE, 0, 0);

    private final CommittedState committed;
    private final Catalog catalog;

    private PastState(CommittedState committed, Catalog catalog) {
        this.committed = committed;
        this.catalog = catalog;
    }

    /**
     * Makes the state after so many transactions, from the newest snapshot that is not younger and can be read. Every row is
     * checked against the shape of its table.
     *
     * @param stores made anew for each snapshot that is tried
     * @param bytesMax memory of its rows and indexes
     * @throws EngineException STORAGE_CORRUPT with the file if the past is damaged; LIMIT_EXCEEDED if there is no memory
     */
    public static PastState of(Past past, long transactions, Supplier<TableStores> stores, long bytesMax) {
        EngineException damage = null;
        for (long snapshot : past.snapshots().offsets()) {
            if (snapshot > transactions || snapshot < past.from()) {
                continue;
            }
            try {
                return of(past, snapshot, transactions, stores.get(), bytesMax);
            } catch (EngineException e) {
                if (e.code() != ErrorCode.STORAGE_CORRUPT) {
                    throw e;
                }
                LOG.log(System.Logger.Level.WARNING, "an older snapshot is looked for: " + e.getMessage());
                damage = damage == null ? e : damage;
            }
        }
        if (past.from() == 0) {
            return of(past, 0, transactions, stores.get(), bytesMax);
        }
        throw damage != null ? damage : new EngineException(
                ErrorCode.STORAGE_CORRUPT, "there is no snapshot of " + transactions + " or fewer transactions in "
                        + past.snapshots());
    }

    private static PastState of(
            Past past, long snapshot, long transactions, TableStores stores, long bytesMax) {
        CommittedState committed = new CommittedState(stores);
        boolean complete = false;
        try {
            Catalog catalog = Catalog.bootstrap(committed);
            committed.limitMemory(bytesMax);
            // Some memory is taken without asking: that of system tables, and of indexes.
            MemoryUse memory = stores.memory();
            if (snapshot > 0) {
                past.snapshots().load(snapshot, committed, catalog, (done, total) -> memory.check(0, 0));
            }
            if (snapshot < transactions) {
                Recovery recovery = new Recovery(committed, catalog);
                past.transactions(snapshot, transactions, (txOffset, record, offset, length) -> {
                    recovery.apply(txOffset, record, offset, length);
                    memory.check(0, 0);
                });
                recovery.finish();
            }
            if (committed.nextTxOffset() != transactions) {
                throw new EngineException(
                        ErrorCode.STORAGE_CORRUPT, "the transactions in " + past.snapshots() + " end at "
                                + committed.nextTxOffset() + " and not at " + transactions);
            }
            complete = true;
            return new PastState(committed, catalog);
        } catch (BsatnException | IllegalArgumentException | IllegalStateException | IndexOutOfBoundsException e) {
            // Nobody has checked what rows of system tables say to each other.
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the rows of " + past.snapshots() + " contradict each other: " + e);
        } finally {
            if (!complete) {
                committed.close();
            }
        }
    }

    /** The program with what it belongs to. Errors: STORAGE_CORRUPT if there is none. */
    public ModuleRow module() {
        return catalog.module(committed.writerView()).orElseThrow(() -> new EngineException(
                ErrorCode.STORAGE_CORRUPT, "there is no program in the first " + transactions() + " transactions"));
    }

    public long transactions() {
        return committed.nextTxOffset();
    }

    /** When the last transaction was committed, in microseconds since 1970. */
    public long commitMicros() {
        return committed.commitMicros();
    }

    /** Makes it the state of a database, in a transaction if that is a change. */
    public void belongTo(Identity database, Identity owner, long nowMicros) {
        ModuleRow module = module();
        if (module.database().equals(database) && module.owner().equals(owner)) {
            return;
        }
        MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
        tx.begin();
        catalog.setModule(tx, new ModuleRow(database, owner, module.programHash(), module.program()));
        TxData data = tx.finish();
        committed.apply(data, nowMicros);
        tx.end();
    }

    /** Writes it as the only snapshot of a new directory, durably. Errors: STORAGE_FAILED. */
    public SnapshotInfo writeTo(SnapshotStore store, long epoch) {
        try (SnapshotView view = committed.openSnapshot(UNLIMITED);
                SnapshotStore.Draft draft = store.write(view, SnapshotInfo.of(view, epoch), SnapshotProgress.NONE)) {
            draft.publish();
            return draft.info();
        }
    }

    @Override
    public void close() {
        committed.close();
    }
}
