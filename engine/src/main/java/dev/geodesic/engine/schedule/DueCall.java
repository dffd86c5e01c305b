package dev.geodesic.engine.schedule;

/**
 * A row whose time has come.
 *
 * @param rowId its primary key
 * @param dueMicros when it was meant to be called, in microseconds since the epoch
 */
public record DueCall(int tableId, long rowId, long dueMicros) {
}
