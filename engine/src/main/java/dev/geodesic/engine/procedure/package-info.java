/**
 * Procedures and HTTP handlers: calls that run beside the writer, on instances of their own (spec/execution.md section 8).
 *
 * <p>{@link dev.geodesic.engine.procedure.ProcedurePool} is the instances of one program and the threads that run them;
 * {@link dev.geodesic.engine.procedure.ProcedureCall} is one call with what the guest may do in it: sleep, send HTTP requests,
 * and write. To write it borrows the writer: a {@link dev.geodesic.engine.procedure.WriterLease} waits in the writer's queue like
 * any task, and when its turn comes the writer opens a transaction and stands still until the procedure has let go of it.
 * Commit and roll-back happen on the writer again. So there is one writer at any time, and nothing a procedure does
 * between two transactions holds anybody up.
 *
 * <p>The database is reached through the port {@link dev.geodesic.engine.procedure.ProcedureDatabase} only.
 */
package dev.geodesic.engine.procedure;
