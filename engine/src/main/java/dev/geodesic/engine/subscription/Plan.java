package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.RowList;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One distinct query that somebody watches, with its evaluation over the present transaction. */
final class Plan {

    private SubscriptionQuery query;
    private TableRows rows;
    private final Set<Watch> watches = new LinkedHashSet<>();
    private RowList.Builder inserts;
    private RowList.Builder deletes;

    Plan(SubscriptionQuery query, TableRows rows) {
        this.query = query;
        this.rows = rows;
    }

    /** Goes on with the same query over tables of another shape. */
    void rebind(SubscriptionQuery next, TableRows nextRows) {
        query = next;
        rows = nextRows;
    }

    SubscriptionQuery query() {
        return query;
    }

    Set<Watch> watches() {
        return watches;
    }

    /** All rows of a query at this moment. Errors: LIMIT_EXCEEDED. */
    static RowList currentRows(SubscriptionQuery query, ReadView view, QueryBudget budget) {
        RowList.Builder out = new RowList.Builder();
        query.rows(view, budget, (segment, offset, length) -> append(out, segment, offset, length));
        return out.build();
    }

    TableRows rows() {
        return rows;
    }

    /** Takes a row into account that came or went; true for the first of this transaction. */
    boolean change(MemorySegment segment, long offset, int length, boolean inserted) {
        boolean first = inserts == null && deletes == null;
        RowList.Builder out = inserted ? inserts : deletes;
        if (out == null) {
            out = new RowList.Builder(Math.max(64, length));
            if (inserted) {
                inserts = out;
            } else {
                deletes = out;
            }
        }
        append(out, segment, offset + rows.hiddenBytes(), length - rows.hiddenBytes());
        return first;
    }

    /** Bytes of the rows that came and went so far. */
    long changedBytes() {
        return (inserts == null ? 0 : (long) inserts.dataLength()) + (deletes == null ? 0 : deletes.dataLength());
    }

    /** Forgets the change of this transaction. */
    void forget() {
        inserts = null;
        deletes = null;
    }

    static void append(RowList.Builder out, MemorySegment segment, long offset, int length) {
        BsatnWriter data = out.data();
        int start = data.length();
        data.ensure(length);
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, data.buffer(), start, length);
        data.advance(length);
        out.ended(start);
    }

    /**
     * The change of this transaction, encoded once for everybody; the plan is ready for the next one. Empty if rows of a join
     * lost partners and gained as many.
     */
    Optional<Fragment> takeFragment() {
        RowList came = inserts == null ? RowList.EMPTY : inserts.build();
        RowList went = deletes == null ? RowList.EMPTY : deletes.build();
        forget();
        if (rows.event()) {
            return came.isEmpty() ? Optional.empty() : Optional.of(Fragment.events(came));
        }
        if (query.semijoin().isPresent() && !came.isEmpty() && !went.isEmpty()) {
            RowList inserted = without(came, went);
            went = without(went, came);
            came = inserted;
        }
        return came.isEmpty() && went.isEmpty() ? Optional.empty() : Optional.of(Fragment.of(came, went, rows.deltaJson()));
    }

    /** The rows of a list, less one for each equal row of another list. */
    private static RowList without(RowList list, RowList other) {
        Map<ByteBuffer, Integer> counts = new HashMap<>();
        for (int i = 0; i < other.count(); i++) {
            counts.merge(row(other, i), 1, Integer::sum);
        }
        RowList.Builder rest = new RowList.Builder();
        for (int i = 0; i < list.count(); i++) {
            ByteBuffer row = row(list, i);
            if (counts.getOrDefault(row, 0) > 0) {
                counts.merge(row, -1, Integer::sum);
            } else {
                rest.add(list.data(), list.rowOffset(i), list.rowLength(i));
            }
        }
        return rest.build();
    }

    private static ByteBuffer row(RowList list, int i) {
        return ByteBuffer.wrap(list.data(), list.rowOffset(i), list.rowLength(i));
    }
}
