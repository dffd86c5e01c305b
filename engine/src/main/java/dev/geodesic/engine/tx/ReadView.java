package dev.geodesic.engine.tx;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.TableStore;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Optional;

/**
 * The tables as one reader sees them: the committed state under the shared lock, or a transaction with its own writes.
 *
 * <p>An iterator is a snapshot of the rows that matched when it was opened; writes of the same transaction do not change
 * it. It dies with the view.
 */
public interface ReadView {

    Collection<TableSchema> tables();

    Optional<TableSchema> table(int tableId);

    /** By canonical name, then by accessor (spec/module-abi.md 5.3, spec/sql.md 3). Private tables included. */
    Optional<TableSchema> tableByName(String name);

    /** Number of rows. Errors: NO_SUCH_TABLE. */
    long rowCount(int tableId);

    /** Where the rows of a table lie, for pointers that an iterator gave. Errors: NO_SUCH_TABLE. */
    TableStore store(int tableId);

    /** All rows, in no given order. Errors: NO_SUCH_TABLE. */
    RowIterator scan(int tableId);

    /**
     * Rows with exactly this key: the BSATN of all index columns in index order. Errors: NO_SUCH_INDEX,
     * BSATN_DECODE_ERROR.
     */
    RowIterator point(int indexId, MemorySegment key, long offset, int length);

    /** Rows in a range (spec/module-abi.md 5.5). Errors: NO_SUCH_INDEX, BSATN_DECODE_ERROR, WRONG_INDEX_ALGO. */
    RowIterator range(int indexId, KeyRange range);
}
