package dev.geodesic.engine.host.runtime;

/** A frame of a guest's stack when it trapped; names are as the compiler wrote them, or empty. */
public record WasmFrame(String moduleName, String functionName) {
}
