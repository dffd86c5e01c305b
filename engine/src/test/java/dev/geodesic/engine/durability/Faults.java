package dev.geodesic.engine.durability;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Random;
import java.util.function.LongPredicate;

/**
 * What goes wrong with a {@link FaultyStorage}, or with all storages of a {@link FaultyDisk}. Operations that change something
 * or force it are counted from 0. Its monitor guards the storages.
 */
public final class Faults {

    /** What is done to a storage; {@code FORCE_NAMES} is that of a directory. */
    public enum Kind { CREATE, WRITE, TRUNCATE, RENAME, DELETE, FORCE, FORCE_NAMES, MAKE_DIRECTORY, DELETE_DIRECTORY }

    /**
     * An operation.
     *
     * @param number from 0
     * @param name of the file, or of the directory
     */
    public record Operation(long number, Kind kind, String name) {
    }

    /** What becomes of an operation. */
    public enum Fault {
        NONE,
        /** It is done in part and fails. */
        FAIL,
        /** It is done in part, fails, and so does everything after it: the process or the machine is gone. */
        DIE,
        /** It does nothing and says that it has been done: a disk that answers before it has forced. */
        LIE,
        /** It fails as on a disk that was mounted for reading only. */
        READ_ONLY
    }

    /** Says what becomes of each operation. */
    @FunctionalInterface
    public interface Plan {
        Fault of(Operation operation);
    }

    final Random random;
    private Plan plan = operation -> Fault.NONE;
    private LongPredicate failWhen = n -> false;
    private LongPredicate dieWhen = n -> false;
    private boolean dead;
    private boolean struck;
    private boolean held;
    /** That may still be written. */
    private long room = Long.MAX_VALUE / 2;
    private long operations;

    Faults(Random random) {
        this.random = random;
    }

    public synchronized void plan(Plan next) {
        plan = next;
    }

    synchronized void failWhen(LongPredicate operation) {
        failWhen = operation;
    }

    synchronized void dieWhen(LongPredicate operation) {
        dieWhen = operation;
    }

    /** Files may grow by so many bytes in all before the disk is full; what is deleted becomes free. */
    public synchronized void room(long bytes) {
        room = bytes;
    }

    synchronized long operations() {
        return operations;
    }

    synchronized void hold() {
        held = true;
    }

    synchronized void release() {
        held = false;
        notifyAll();
    }

    /** How many of these bytes fit. */
    synchronized int take(int bytes) {
        int taken = (int) Math.min(bytes, room);
        room -= taken;
        return taken;
    }

    synchronized void free(long bytes) {
        room += bytes;
    }

    static IOException full(String name) {
        return new FileSystemException(name, null, "No space left on device");
    }

    synchronized void awaitRelease() throws IOException {
        while (held) {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }

    /** What is to be done with an operation; {@link #end} throws afterwards. */
    synchronized Fault begin(Kind kind, String name) throws IOException {
        if (dead) {
            throw new IOException("the power is off");
        }
        long n = operations++;
        Fault fault = plan.of(new Operation(n, kind, name));
        if (dieWhen.test(n)) {
            fault = Fault.DIE;
        } else if (failWhen.test(n)) {
            fault = Fault.FAIL;
        }
        dead = fault == Fault.DIE;
        struck |= fault != Fault.NONE;
        if (fault == Fault.READ_ONLY) {
            throw new FileSystemException(name, null, "Read-only file system");
        }
        return fault;
    }

    /** A part of a failing operation is done by chance. */
    static void end(Fault fault) throws IOException {
        if (fault == Fault.FAIL || fault == Fault.DIE) {
            throw new IOException("injected fault");
        }
    }

    /** Whether anything has gone wrong yet. */
    public synchronized boolean struck() {
        return struck;
    }

    synchronized boolean dead() {
        return dead;
    }
}
