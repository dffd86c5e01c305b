/**
 * Rows that are calls (spec/execution.md section 5). {@link dev.geodesic.engine.schedule.ScheduleRow} reads from the bytes
 * of a row when it is due, {@link dev.geodesic.engine.schedule.Scheduler} keeps what is due when, and
 * {@link dev.geodesic.engine.schedule.Firing} is whoever can make the calls: the database.
 *
 * <p>The rows are the truth and the queue is derived from them: it is filled from all rows at the start and after a change
 * of programs, and follows every commit from then on. So nothing is stored about time, a rolled-back transaction leaves
 * nothing behind, and a crash between two steps of a call does what is left of them again.
 *
 * <p>Nothing here knows of modules, or has a thread: time comes through {@link dev.geodesic.engine.port.Timer}.
 */
package dev.geodesic.engine.schedule;
