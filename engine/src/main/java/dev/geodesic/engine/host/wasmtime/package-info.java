/**
 * The port {@code host.runtime} over Wasmtime's C API (version 50) and {@code java.lang.foreign}. No other package knows
 * either.
 *
 * <p>{@link dev.geodesic.engine.host.wasmtime.WasmtimeRuntime} owns what is shared: the engine, the linker with one upcall
 * stub per host function, the ticker that drives deadlines, the cache of compiled programs. Pointers are carried as
 * {@code long}; method handles are constants; a call reuses the instance's argument frame, so a host call costs some
 * 25 ns and allocates nothing.
 *
 * <p>What ends the process if done wrong, and how it is prevented:
 * <ul>
 *   <li>an exception that leaves an upcall: every upcall catches all, returns a trap made in advance, and the exception
 *       is thrown again once the guest is unwound;
 *   <li>a guest that overflows the thread's stack: {@code max_wasm_stack} is 256 KiB and guests must run on large stacks;
 *       virtual threads are refused;
 *   <li>use after close: instances count their runtime, memory segments die with their instance;
 *   <li>a damaged file in the cache: native code is loaded only if its digest is right.
 * </ul>
 */
package dev.geodesic.engine.host.wasmtime;
