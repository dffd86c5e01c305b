package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.RowTuple;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.TxData;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The plans over one table alone. */
final class TablePlans {

    private final PlanIndex plans;
    private final RowTuple row = new RowTuple(1);
    private final List<Plan> found = new ArrayList<>();

    TablePlans(TableSchema table) {
        plans = new PlanIndex(RowLayout.of(table.rowType()));
    }

    boolean isEmpty() {
        return plans.isEmpty();
    }

    void add(Plan plan) {
        plans.add(plan);
    }

    void remove(Plan plan) {
        plans.remove(plan);
    }

    /** Shows the changed rows to every plan that may match them; plans that matched their first row are appended. */
    void evaluate(TxData.TableChange change, List<Plan> changed) {
        evaluate(change, change.deletes(), false, changed);
        evaluate(change, change.inserts(), true, changed);
    }

    private void evaluate(TxData.TableChange change, RowPointers rows, boolean inserted, List<Plan> changed) {
        TableStore store = change.table().store();
        for (int i = 0; i < rows.size(); i++) {
            row.set(0, store, rows.get(i));
            MemorySegment segment = row.segment(0);
            long offset = row.offset(0);
            int length = row.length(0);
            found.clear();
            plans.find(row, found);
            for (int p = 0; p < found.size(); p++) {
                Plan plan = found.get(p);
                if (plan.query().matches(segment, offset, length) && plan.change(segment, offset, length, inserted)) {
                    changed.add(plan);
                }
            }
        }
    }
}
