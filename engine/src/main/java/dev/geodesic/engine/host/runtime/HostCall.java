package dev.geodesic.engine.host.runtime;

import java.lang.foreign.MemorySegment;

/**
 * A guest's call of a host function, seen by the host: arguments and the guest's memory. Valid until the function
 * returns; the same object serves every call of an instance.
 */
public interface HostCall {

    /** Argument by position; its type must be i32. */
    int i32(int index);

    /** Argument by position; its type must be i64. */
    long i64(int index);

    /** What the instance was made with. */
    Object attachment();

    /** True once the call that the host made has used up its time, or was interrupted. */
    boolean isOverdue();

    /** Gives the call so much time from now on, instead of what it had left. */
    void setMillisLeft(long millis);

    /**
     * Checks a range of guest memory; pointer and length are unsigned.
     *
     * @return the offset of the range in {@link #memory()}
     * @throws GuestMemoryException if the pointer is 0 or the range is not inside the memory
     */
    long at(int pointer, int length);

    /** The guest's memory, as large as the last range checked by {@link #at} needs. Refuses access after close. */
    MemorySegment memory();
}
