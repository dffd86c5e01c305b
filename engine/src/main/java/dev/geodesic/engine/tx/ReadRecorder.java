package dev.geodesic.engine.tx;

/** Learns what a view has read, so that it can be run again when that changes (spec/execution.md 6.3). */
public interface ReadRecorder {

    /** Any change of the table matters. */
    void wholeTable(int tableId);

    /**
     * Rows with this key matter, whether or not there are any.
     *
     * @param key BSATN of all index columns in index order; no other bytes are an equal key. The receiver's to keep
     */
    void point(int indexId, byte[] key);
}
