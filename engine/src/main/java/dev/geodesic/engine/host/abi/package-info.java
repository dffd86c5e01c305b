/**
 * The module ABI (spec/module-abi.md) on the host's side, written once above {@code host.runtime}.
 *
 * <p>{@link dev.geodesic.engine.host.abi.HostFunctions} is the table of everything a module can import: adding a function is
 * adding a row. A handler gets the {@link dev.geodesic.engine.host.abi.GuestState} of the calling instance (handles, present
 * {@link dev.geodesic.engine.host.abi.CallContext}) and the call's arguments. {@link dev.geodesic.engine.host.abi.LogSink}
 * and {@link dev.geodesic.engine.host.abi.ImmediateCalls} receive what leaves the instance otherwise than through the
 * transaction; a {@link dev.geodesic.engine.host.abi.ProcedureHost} gives a procedure or handler its transactions, sleep and
 * outbound requests.
 *
 * <p>How errors travel: an {@link dev.geodesic.engine.base.EngineException} whose code has an errno becomes that result. One
 * with INTERNAL unwinds the guest and reaches whoever called it. All others trap with {@code runtime error calling ...}.
 *
 * <p>Does not decode rows and does not know tables: that is {@link dev.geodesic.engine.tx.Transaction}'s.
 */
package dev.geodesic.engine.host.abi;
