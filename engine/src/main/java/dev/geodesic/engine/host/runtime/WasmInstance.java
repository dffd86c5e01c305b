package dev.geodesic.engine.host.runtime;

import java.util.List;

/**
 * A running program: memory, globals, tables. Used by one thread at a time, which must be a platform thread with
 * {@link WasmRuntime#GUEST_THREAD_STACK_BYTES} of stack; {@link #interrupt} may come from any thread.
 *
 * <p>A call is: arguments into the frame, {@link #call}, result out of the frame. After an exception out of {@link #call} the
 * guest's memory is in an unknown state; the owner should close the instance.
 */
public interface WasmInstance extends AutoCloseable {

    /** Handle of an exported function; the caller knows from {@link WasmBinary} that it exists. */
    int function(String name);

    void setI32(int index, int value);

    void setI64(int index, long value);

    /**
     * Calls a function with the arguments in the frame.
     *
     * @param millisMax after so long the guest is stopped
     * @throws WasmTrapException if the guest traps, overflows its stack or runs too long
     * @throws RuntimeException what a host function threw, unchanged
     */
    void call(int function, long millisMax);

    /** Result of the last call. */
    int resultI32();

    /** Stops the present call, if any, as soon as possible; later calls are not affected. Any thread. */
    void interrupt();

    /** The guest's stack when the last call ended by an exception of a host function, innermost first. */
    List<WasmFrame> lastFrames();

    /** Size of the linear memory. */
    long memoryBytes();

    /** Frees the instance; a second close does nothing. Not during a call. */
    @Override
    void close();
}
