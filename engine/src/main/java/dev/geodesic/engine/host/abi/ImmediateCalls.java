package dev.geodesic.engine.host.abi;

/** Receives what a module wants called as soon as possible, in a transaction of its own (spec/module-abi.md 5.8). */
public interface ImmediateCalls {

    /**
     * Queues a call with the database as caller. Must not block; an unknown name is the receiver's to log.
     *
     * @param name canonical name of a reducer or procedure
     * @param arguments BSATN
     */
    void schedule(String name, byte[] arguments);
}
