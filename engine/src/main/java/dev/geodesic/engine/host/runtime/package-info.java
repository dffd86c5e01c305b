/**
 * The port to a WebAssembly runtime, and what every runtime needs besides: the reader of a program's imports and exports.
 *
 * <p>A {@link dev.geodesic.engine.host.runtime.WasmRuntime} is made once per engine with the table of all host functions. It
 * compiles a program into a {@link dev.geodesic.engine.host.runtime.WasmModule}, which makes
 * {@link dev.geodesic.engine.host.runtime.WasmInstance}s. An instance is called with numbers in, one number out; everything
 * else passes through its linear memory. A host function gets a {@link dev.geodesic.engine.host.runtime.HostCall}.
 *
 * <p>Guests run on the thread that calls them. It must be a platform thread with a stack of
 * {@link dev.geodesic.engine.host.runtime.WasmRuntime#GUEST_THREAD_STACK_BYTES}: a guest that overflows its own stack traps, but
 * on a smaller thread it would end the process first.
 *
 * <p>Nothing here knows what the host functions do. Imports {@code engine.base} only.
 */
package dev.geodesic.engine.host.runtime;
