package dev.geodesic.pgwire;

import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.type.TextFormat;
import java.io.IOException;
import java.util.List;

/** A complete result. */
interface RowSet {

    /**
     * One output column.
     *
     * @param byteSize {@code typlen}
     */
    record Column(String name, int oid, int byteSize) {
    }

    List<Column> columns();

    int count();

    /** Memory that it holds. */
    long bytes();

    /** Writes the values of one row, each with its length. */
    void write(int row, Formats formats, MessageWriter out);

    /** Writes a RowDescription. */
    static void describe(List<Column> columns, Formats formats, MessageWriter out) throws IOException {
        out.begin('T').int16(columns.size());
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            out.text(column.name()).int32(0).int16(0).int32(column.oid()).int16(column.byteSize()).int32(-1)
                    .int16(formats.isBinary(i) ? 1 : 0);
        }
        out.end();
    }

    /**
     * How a client wants values.
     *
     * @param binary which columns in binary form: none given is all text, one is for all (Bind message)
     * @param text how text looks
     */
    record Formats(List<Boolean> binary, TextFormat.Style text) {

        /** For simple queries. */
        static final Formats TEXT = new Formats(List.of(), TextFormat.Style.RECORDED);

        public Formats {
            binary = List.copyOf(binary);
        }

        boolean isBinary(int column) {
            return !binary.isEmpty() && binary.get(binary.size() == 1 ? 0 : column);
        }

        /** Errors: 08P01 for a number of formats that does not match. */
        void check(int columns) {
            if (binary.size() > 1 && binary.size() != columns) {
                throw PgException.error(
                        "08P01", "bind message has " + binary.size() + " result formats but query has " + columns + " columns");
            }
        }
    }
}
