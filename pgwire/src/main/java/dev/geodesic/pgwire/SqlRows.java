package dev.geodesic.pgwire;

import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.query.SqlResult;
import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.type.BinaryFormat;
import dev.geodesic.pgwire.type.ColumnType;
import dev.geodesic.pgwire.type.TextFormat;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.util.ArrayList;
import java.util.List;

/** What the engine found: each value goes from BSATN into the message. */
final class SqlRows implements RowSet {

    private final ProductType type;
    private final RowBuffer rows;
    private final List<Column> columns;

    SqlRows(SqlResult result) {
        this.type = result.schema();
        this.rows = result.rows();
        this.columns = columns(type);
    }

    static List<Column> columns(ProductType schema) {
        List<Column> columns = new ArrayList<>();
        for (ProductElement element : schema.elements()) {
            ColumnType column = ColumnType.of(element.type());
            columns.add(new Column(element.name().orElse("col_" + columns.size()), column.oid(), column.byteSize()));
        }
        return List.copyOf(columns);
    }

    @Override
    public List<Column> columns() {
        return columns;
    }

    @Override
    public int count() {
        return rows.count();
    }

    @Override
    public long bytes() {
        return rows.bytes().length + 4L * rows.count();
    }

    @Override
    public void write(int row, Formats formats, MessageWriter out) {
        int start = rows.start(row);
        BsatnReader in = new BsatnReader(rows.bytes(), start, rows.end(row) - start);
        List<ProductElement> elements = type.elements();
        out.int16(elements.size());
        for (int i = 0; i < elements.size(); i++) {
            int mark = out.beginValue();
            if (formats.isBinary(i)) {
                BinaryFormat.write(elements.get(i).type(), in, out);
            } else {
                TextFormat.write(elements.get(i).type(), formats.text(), in, out);
            }
            out.endValue(mark);
        }
    }
}
