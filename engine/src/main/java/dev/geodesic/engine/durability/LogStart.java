package dev.geodesic.engine.durability;

/**
 * What has been loaded before a log is read.
 *
 * @param offset number of transactions that need not be read: the first one that the log is to replay
 * @param epoch of the last of them; the log's commits have at least this one
 */
public record LogStart(long offset, long epoch) {

    /** Nothing has been loaded. */
    public static final LogStart EMPTY = new LogStart(0, 0);
}
