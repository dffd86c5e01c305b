package dev.geodesic.protocol.message;

import dev.geodesic.sats.RowList;

/**
 * Rows that one query gained and lost: the unit that is evaluated once per transaction, encoded once per wire form and then
 * embedded in the envelopes of all sessions that watch the query. Immutable to the outside and thread-safe.
 */
public final class Fragment extends Encodings<Fragment> {

    private final RowList inserts;
    private final RowList deletes;
    private final boolean event;
    private final RowJson rowJson;

    private Fragment(RowList inserts, RowList deletes, boolean event, RowJson rowJson) {
        this.inserts = inserts;
        this.deletes = deletes;
        this.event = event;
        this.rowJson = rowJson;
    }

    /** Changes of a persistent table or view. */
    public static Fragment of(RowList inserts, RowList deletes, RowJson rowJson) {
        return new Fragment(inserts, deletes, false, rowJson);
    }

    /** Rows of an initial answer or a one-off query. */
    public static Fragment inserts(RowList rows, RowJson rowJson) {
        return of(rows, RowList.EMPTY, rowJson);
    }

    /** Rows that leave with an unsubscribe. */
    public static Fragment deletes(RowList rows, RowJson rowJson) {
        return of(RowList.EMPTY, rows, rowJson);
    }

    /** Rows of an event table; they exist in v2 and v3 only. */
    public static Fragment events(RowList rows) {
        return new Fragment(rows, RowList.EMPTY, true, RowJson.NONE);
    }

    /** For an event table: the events. */
    public RowList inserts() {
        return inserts;
    }

    public RowList deletes() {
        return deletes;
    }

    public boolean isEvent() {
        return event;
    }

    public RowJson rowJson() {
        return rowJson;
    }

    /** Inserts and deletes. */
    public int rowCount() {
        return inserts.count() + deletes.count();
    }

    /** Bytes of all rows, without hints. */
    public long rowBytes() {
        return (long) inserts.dataLength() + deletes.dataLength();
    }

    @Override
    Fragment source() {
        return this;
    }
}
