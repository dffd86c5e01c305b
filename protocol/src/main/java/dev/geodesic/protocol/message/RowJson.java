package dev.geodesic.protocol.message;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.SatsJson;

/**
 * Writes one row of a row list as JSON text for {@code v1.json}. Stored rows (initial answers, one-off results, rows of an
 * unsubscribe) are objects by column name, rows of deltas and views arrays by position (spec/websocket.md section 4), so
 * whoever makes a {@link Fragment} chooses the writer. Thread-safe.
 */
@FunctionalInterface
public interface RowJson {

    /** For rows that are JSON text in UTF-8 already, as a client of {@code v1.json} receives them. */
    RowJson VERBATIM = (rows, offset, length, out) -> out.raw(rows, offset, length);

    /** For databases nobody speaks JSON with: asking for the text is an error. */
    RowJson NONE = (rows, offset, length, out) -> {
        throw new IllegalStateException("these rows have no JSON form");
    };

    /** Writes the JSON text of the row in {@code rows[offset, offset + length)}. */
    void append(byte[] rows, int offset, int length, JsonWriter out);

    /** Rows of stored tables: objects by column name, sums by position. {@code rowType} is free of references. */
    static RowJson stored(AlgebraicType rowType) {
        return of(rowType, SatsJson.Flavor.STORED);
    }

    /** Rows of deltas and views: arrays by position. {@code rowType} is free of references. */
    static RowJson positional(AlgebraicType rowType) {
        return of(rowType, SatsJson.Flavor.UNTYPED);
    }

    private static RowJson of(AlgebraicType rowType, SatsJson.Flavor flavor) {
        return (rows, offset, length, out) -> SatsJson.write(rowType, new BsatnReader(rows, offset, length), out, flavor);
    }
}
