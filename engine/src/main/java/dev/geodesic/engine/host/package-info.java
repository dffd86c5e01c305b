/**
 * Programs of databases: checking, instantiating and calling them.
 *
 * <p>{@link dev.geodesic.engine.host.ModuleHost} is one program of one database; it makes
 * {@link dev.geodesic.engine.host.ModuleInstance}s and replaces the one that trapped.
 * {@link dev.geodesic.engine.host.ReducerOutcome}, {@link dev.geodesic.engine.host.ViewOutcome},
 * {@link dev.geodesic.engine.host.ProcedureOutcome} and {@link dev.geodesic.engine.host.HandlerOutcome} are what came of a call.
 * Reducers and views run on the main instance, procedures and handlers on others. Below: {@code host.abi} (the functions a
 * module can import), {@code host.http} (HTTP as modules see it), {@code host.runtime} (the port to a WebAssembly runtime) and
 * {@code host.wasmtime} (the runtime).
 *
 * <p>Guests run on the thread that calls: a platform thread with a stack of
 * {@link dev.geodesic.engine.host.runtime.WasmRuntime#GUEST_THREAD_STACK_BYTES}. Nothing here begins or ends transactions,
 * reads a module definition, or knows about schedules and subscriptions.
 */
package dev.geodesic.engine.host;
