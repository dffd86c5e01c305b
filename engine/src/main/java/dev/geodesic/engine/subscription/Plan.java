package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.RowList;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashSet;
import java.util.Set;

/** One distinct query that somebody watches, with its evaluation over the present transaction. */
final class Plan {

    private final SubscriptionQuery query;
    private final TableRows rows;
    private final Set<Watch> watches = new LinkedHashSet<>();
    private RowList.Builder inserts;
    private RowList.Builder deletes;

    Plan(SubscriptionQuery query, TableRows rows) {
        this.query = query;
        this.rows = rows;
    }

    SubscriptionQuery query() {
        return query;
    }

    Set<Watch> watches() {
        return watches;
    }

    /** All rows at this moment. */
    RowList currentRows(ReadView view, Limits limits) {
        RowList.Builder out = new RowList.Builder();
        query.rows(view, new QueryBudget(limits), (segment, offset, length) -> append(out, segment, offset, length));
        return out.build();
    }

    TableRows rows() {
        return rows;
    }

    private boolean matches(TableStore store, long row) {
        return query.predicate().test(store.segment(row), store.offset(row), store.length(row));
    }

    /** Takes an inserted or deleted row into account; true if it is the first of this transaction that matches. */
    boolean change(TableStore store, long row, boolean inserted) {
        if (!matches(store, row)) {
            return false;
        }
        boolean first = inserts == null && deletes == null;
        RowList.Builder out = inserted ? inserts : deletes;
        if (out == null) {
            out = new RowList.Builder(Math.max(64, store.length(row)));
            if (inserted) {
                inserts = out;
            } else {
                deletes = out;
            }
        }
        append(out, store.segment(row), store.offset(row) + rows.hiddenBytes(), store.length(row) - rows.hiddenBytes());
        return first;
    }

    static void append(RowList.Builder out, MemorySegment segment, long offset, int length) {
        BsatnWriter data = out.data();
        int start = data.length();
        data.ensure(length);
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, data.buffer(), start, length);
        data.advance(length);
        out.ended(start);
    }

    /** The change of this transaction, encoded once for everybody; the plan is ready for the next one. */
    Fragment takeFragment() {
        Fragment fragment = Fragment.of(
                inserts == null ? RowList.EMPTY : inserts.build(),
                deletes == null ? RowList.EMPTY : deletes.build(),
                rows.deltaJson());
        inserts = null;
        deletes = null;
        return fragment;
    }
}
