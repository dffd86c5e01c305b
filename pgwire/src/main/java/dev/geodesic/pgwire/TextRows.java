package dev.geodesic.pgwire;

import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.type.PgType;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows that the endpoint makes itself, of values as text.
 *
 * @param types one for each name
 * @param rows values, null for NULL
 */
record TextRows(List<String> names, List<PgType> types, List<List<String>> rows) implements RowSet {

    static TextRows single(String name, String value) {
        return new TextRows(List.of(name), List.of(PgType.TEXT), List.of(List.of(value)));
    }

    @Override
    public List<Column> columns() {
        return IntStream.range(0, names.size())
                .mapToObj(i -> new Column(names.get(i), types.get(i).oid(), types.get(i).byteSize())).toList();
    }

    @Override
    public int count() {
        return rows.size();
    }

    @Override
    public long bytes() {
        return rows.stream().flatMap(List::stream).mapToLong(v -> 24L + (v == null ? 0 : v.length())).sum();
    }

    @Override
    public void write(int row, Formats formats, MessageWriter out) {
        out.int16(names.size());
        for (int i = 0; i < names.size(); i++) {
            String value = rows.get(row).get(i);
            if (value == null) {
                out.int32(-1);
                continue;
            }
            int mark = out.beginValue();
            if (formats.isBinary(i)) {
                binary(types.get(i), value, out);
            } else {
                out.utf8(value);
            }
            out.endValue(mark);
        }
    }

    private static void binary(PgType type, String value, MessageWriter out) {
        switch (type) {
            case BOOL -> out.int8(value.equals("t") ? 1 : 0);
            case INT2 -> out.int16(Short.parseShort(value));
            case INT4 -> out.int32(Integer.parseInt(value));
            case OID -> out.int32((int) Long.parseLong(value));
            case INT8 -> out.int64(Long.parseLong(value));
            default -> {
                byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
                out.raw(bytes, 0, bytes.length);
            }
        }
    }
}
