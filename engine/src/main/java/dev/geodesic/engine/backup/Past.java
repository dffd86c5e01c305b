package dev.geodesic.engine.backup;

import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.durability.SnapshotStore;

/** Where earlier states of a database can be read from. A state is named by the number of transactions in it. */
public interface Past {

    /** Snapshots from which the transactions lead on. */
    SnapshotStore snapshots();

    /** The earliest state; 0 is the empty one. */
    long from();

    /** When the last transaction of that state was committed, in microseconds since 1970; 0 if it is not known. */
    long fromMicros();

    /** The latest state. */
    long until();

    /** Until when nothing has happened after that state, in microseconds since 1970. */
    long untilMicros();

    /** The state of a time. Transactions that do not say when they were committed count as older. */
    long at(long micros);

    /** Gives the transactions from one offset up to, and without, another one. Errors: STORAGE_CORRUPT, STORAGE_FAILED. */
    void transactions(long first, long next, LogFactory.Replay replay);
}
