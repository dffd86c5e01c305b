package dev.geodesic.engine.tx;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.SatsJson;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Collectors;

/** The error of a unique constraint, worded as spec/sql.md section 13 shows. */
final class UniqueViolation {

    /** Enough to recognise a key; a key may be as long as a row. */
    private static final int KEY_TEXT_MAX = 256;

    private UniqueViolation() {
    }

    static EngineException of(Table table, int indexPosition, MemorySegment row, long offset) {
        TableSchema schema = table.schema();
        IndexSchema index = schema.indexes().get(indexPosition);
        List<Integer> columns = index.algorithm().columns();
        String names = columns.stream()
                .map(c -> '"' + schema.columns().get(c).name() + '"')
                .collect(Collectors.joining(",", "[", "]"));
        String values = columns.stream()
                .map(c -> text(table.layout(), schema.columns().get(c), row, offset))
                .collect(Collectors.joining(", "));
        return new EngineException(
                ErrorCode.UNIQUE_ALREADY_EXISTS,
                "Unique constraint violation '" + index.name() + "' in table '" + schema.name() + "': column(s): '" + names
                        + "' value: " + (columns.size() == 1 ? values : "(" + values + ")"));
    }

    private static String text(RowLayout layout, ColumnSchema column, MemorySegment row, long offset) {
        long at = layout.columnOffset(row, offset, column.position());
        byte[] value = new byte[layout.columnLength(row, offset, column.position())];
        MemorySegment.copy(row, ValueLayout.JAVA_BYTE, at, value, 0, value.length);
        JsonWriter json = new JsonWriter();
        SatsJson.write(column.type(), new BsatnReader(value), json, SatsJson.Flavor.TYPED);
        String text = json.toString();
        return text.length() <= KEY_TEXT_MAX ? text : text.substring(0, KEY_TEXT_MAX) + "...";
    }
}
