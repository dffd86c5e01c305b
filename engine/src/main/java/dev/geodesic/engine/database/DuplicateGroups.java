package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.TypeText;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Which values stand in the way of a new unique constraint. */
final class DuplicateGroups {

    private static final int SHOWN_MAX = 10;
    private static final int TEXT_MAX = 256;

    private DuplicateGroups() {
    }

    /** @throws EngineException MIGRATION_FAILED, worded as spec/module-def.md section 8 shows, if values repeat */
    static void check(ReadView view, TableSchema table, List<Integer> columns) {
        RowLayout layout = RowLayout.of(table.rowType());
        Map<ByteBuffer, Integer> counts = new LinkedHashMap<>();
        RowIterator rows = view.scan(table.tableId());
        while (rows.next()) {
            BsatnWriter key = new BsatnWriter();
            for (int column : columns) {
                int length = layout.columnLength(rows.segment(), rows.offset(), column);
                key.ensure(length);
                MemorySegment.copy(
                        rows.segment(), ValueLayout.JAVA_BYTE, layout.columnOffset(rows.segment(), rows.offset(), column),
                        key.buffer(), key.length(), length);
                key.advance(length);
            }
            counts.merge(ByteBuffer.wrap(key.toByteArray()), 1, Integer::sum);
        }
        counts.values().removeIf(n -> n == 1);
        if (counts.isEmpty()) {
            return;
        }
        String ids = columns.stream().map(c -> "ColId(" + c + ")").collect(Collectors.joining(", ", "[", "]"));
        StringBuilder text = new StringBuilder("DatastoreError: Cannot add unique constraint on table " + table.tableId()
                + " column(s) " + ids + " (committed state):\n" + counts.size() + " duplicate group(s) found.");
        counts.entrySet().stream().limit(SHOWN_MAX).forEach(e -> text
                .append("\n  - ").append(text(table, columns, e.getKey().array()))
                .append(" appears ").append(e.getValue()).append(" times"));
        throw new EngineException(ErrorCode.MIGRATION_FAILED, text.toString());
    }

    private static String text(TableSchema table, List<Integer> columns, byte[] key) {
        BsatnReader in = new BsatnReader(key);
        String text = columns.stream()
                .map(c -> text(table.columns().get(c), in))
                .collect(Collectors.joining(", "));
        text = columns.size() == 1 ? text : "(" + text + ")";
        return text.length() <= TEXT_MAX ? text : text.substring(0, TEXT_MAX) + "...";
    }

    private static String text(ColumnSchema column, BsatnReader in) {
        JsonWriter json = new JsonWriter();
        SatsJson.write(column.type(), in, json, SatsJson.Flavor.TYPED);
        return column.type() instanceof PrimitiveType ? TypeText.of(column.type()) + "(" + json + ")" : json.toString();
    }
}
