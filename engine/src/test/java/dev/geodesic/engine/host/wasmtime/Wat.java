package dev.geodesic.engine.host.wasmtime;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** WebAssembly text to binary, by the library's own assembler. */
public final class Wat {

    private Wat() {
    }

    public static byte[] toWasm(String text) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocateFrom(text);
            long vector = arena.allocate(16, 8).address();
            long error = NativeLibrary.WAT2WASM.call(source.address(), source.byteSize() - 1, vector);
            if (error != 0) {
                throw new IllegalArgumentException(NativeLibrary.takeError(error));
            }
            byte[] wasm = NativeLibrary.bytes(vector);
            NativeLibrary.BYTE_VEC_DELETE.call(vector);
            return wasm;
        }
    }
}
