package dev.geodesic.engine.backup;

import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.SnapshotStore;

/** Where earlier states of a database can be read from. */
public interface Past {

    /** Snapshots from which the transactions lead on. */
    SnapshotStore snapshots();

    /** Smallest number of transactions of a state that can be made. */
    long from();

    /** Largest such number. */
    long until();

    /** Gives the transactions from one offset up to, and without, another one. Errors: STORAGE_CORRUPT, STORAGE_FAILED. */
    void transactions(long first, long next, LogFactory.Replay replay);
}
