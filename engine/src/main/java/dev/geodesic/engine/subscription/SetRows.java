package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.RowList;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The rows with which a query set begins or ends, still to be read. Immutable: may be read on any thread. */
public final class SetRows {

    private final List<Part> parts;
    private final boolean inserts;

    record Part(SubscriptionQuery query, TableRows table) {
    }

    SetRows(List<Part> parts, boolean inserts) {
        this.parts = List.copyOf(parts);
        this.inserts = inserts;
    }

    /** Whether reading looks at more than so many rows; about. */
    public boolean isLarger(long max, ReadView view) {
        long left = max;
        for (Part part : parts) {
            left -= Math.min(Long.MAX_VALUE / 2, part.query().reads(view));
            if (left < 0) {
                return true;
            }
        }
        return left < 0;
    }

    /** By table. Errors: LIMIT_EXCEEDED. */
    public List<TableUpdate> read(ReadView view, Limits limits) {
        QueryBudget budget = new QueryBudget(limits);
        Map<TableRows, List<Fragment>> byTable = new LinkedHashMap<>();
        for (Part part : parts) {
            RowList rows = Plan.currentRows(part.query(), view, budget);
            byTable.computeIfAbsent(part.table(), t -> new ArrayList<>()).add(inserts
                    ? Fragment.inserts(rows, part.table().storedJson())
                    : Fragment.deletes(rows, part.table().storedJson()));
        }
        List<TableUpdate> tables = new ArrayList<>(byTable.size());
        byTable.forEach((t, fragments) -> tables.add(new TableUpdate(t.tableId(), t.tableName(), fragments)));
        return tables;
    }
}
