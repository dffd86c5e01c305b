package dev.geodesic.engine.host.runtime;

/** A function that guests can import. */
public record HostFunction(String module, String name, FunctionType type, Handler handler) {

    /** What a host function does. Whatever it throws unwinds the guest and comes out of {@link WasmInstance#call}. */
    public interface Handler {

        /** Result bits; ignored if the function has no result. */
        long call(HostCall call);
    }
}
