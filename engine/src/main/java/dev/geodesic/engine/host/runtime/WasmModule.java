package dev.geodesic.engine.host.runtime;

/** A compiled program. Thread-safe; close it after its instances. */
public interface WasmModule extends AutoCloseable {

    /**
     * Makes an instance and runs the program's start section.
     *
     * @param attachment what host functions find in {@link HostCall#attachment}
     * @param memoryBytesMax linear memory never grows beyond this; growth fails for the guest
     * @param millisMax time of the start section
     * @throws WasmTrapException if the start section traps
     * @throws dev.geodesic.engine.base.EngineException LIMIT_EXCEEDED if the memory is too large from the start
     */
    WasmInstance instantiate(Object attachment, long memoryBytesMax, long millisMax);

    @Override
    void close();
}
