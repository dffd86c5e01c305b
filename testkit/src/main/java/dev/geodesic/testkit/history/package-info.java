/**
 * Checks of what concurrent clients have learned: their {@link dev.geodesic.testkit.history.Operation operations} must fit one
 * serial order that keeps to real time ({@link dev.geodesic.testkit.history.SerialOrder}) and, where answers name transactions,
 * that of these ({@link dev.geodesic.testkit.history.OffsetOrder}). What an operation does is said by a
 * {@link dev.geodesic.testkit.history.Specification}; {@link dev.geodesic.testkit.history.Registers} is the one of
 * {@code samples/modules/simulation}.
 */
package dev.geodesic.testkit.history;
