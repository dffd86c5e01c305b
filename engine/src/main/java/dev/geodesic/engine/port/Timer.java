package dev.geodesic.engine.port;

/** The wall clock, and waiting for it. Tests bring one whose time passes when they say so. Thread-safe. */
public interface Timer {

    /** Microseconds since the epoch. */
    long nowMicros();

    /**
     * Runs {@code work} once, after about this time and on a thread of the timer, unless it is cancelled first. The work is
     * short and neither blocks nor throws.
     */
    Wake after(long micros, Runnable work);

    /** Something that will be run. */
    interface Wake {

        /** It may run nevertheless if its time has come. */
        void cancel();
    }
}
