package dev.geodesic.engine.schedule;

/** Makes the calls that are due, one after the other. */
public interface Firing {

    /**
     * Starts a call. Neither blocks nor throws; any thread.
     *
     * @param ended to be run once, on any thread, when the call and what belongs to it are over, whatever came out. Until
     *     then no other call of this database is due. Not run if the database has stopped
     */
    void fire(DueCall call, Runnable ended);
}
