package dev.geodesic.pgwire;

import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.PgException;
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

    /** Which columns a client wants in binary form: none given is all text, one is for all (Bind message). */
    record Formats(List<Boolean> binary) {

        static final Formats TEXT = new Formats(List.of());

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
