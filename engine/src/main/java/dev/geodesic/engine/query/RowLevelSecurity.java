package dev.geodesic.engine.query;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads {@code st_row_level_security} (table_id u32, sql string; spec/sql.md 9 and 14). */
final class RowLevelSecurity {

    private static final int ST_ROW_LEVEL_SECURITY = 10;
    private static final int TABLE_ID = 0;
    private static final int SQL = 1;

    private RowLevelSecurity() {
    }

    /** Texts of the rules that protect a table; a row is visible once for each rule that allows it. */
    static List<String> rules(TableSchema table, ReadView view) {
        Optional<TableSchema> rules = view.table(ST_ROW_LEVEL_SECURITY);
        if (rules.isEmpty()) {
            return List.of();
        }
        BsatnWriter wanted = new BsatnWriter(Integer.BYTES);
        wanted.writeU32(table.tableId());
        MemorySegment tableId = MemorySegment.ofArray(wanted.buffer());
        RowLayout layout = RowLayout.of(rules.get().rowType());
        List<String> found = new ArrayList<>();
        for (RowIterator row = view.scan(ST_ROW_LEVEL_SECURITY); row.next();) {
            long at = layout.columnOffset(row.segment(), row.offset(), TABLE_ID);
            if (RowLayout.sameBytes(row.segment(), at, tableId, 0, Integer.BYTES)) {
                BsatnWriter sql = new BsatnWriter();
                SelectPlan.appendColumn(sql, layout, row.segment(), row.offset(), SQL);
                found.add(new BsatnReader(sql.buffer(), 0, sql.length()).readString());
            }
        }
        return found;
    }
}
