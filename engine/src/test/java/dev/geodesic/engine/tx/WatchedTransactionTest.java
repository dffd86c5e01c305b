package dev.geodesic.engine.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.testkit.Proves;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Writes of many rows look at the time, and iterators know what they weigh. */
@Proves("module-abi.md 6")
class WatchedTransactionTest {

    private static final int TABLE = 5_000;
    private static final int INDEX = 5_100;
    private static final int ROWS = 20_000;

    private final CommittedState committed = new CommittedState(new HeapStores());
    private final Catalog catalog = Catalog.bootstrap(committed);
    private final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
    private final BsatnWriter all = new BsatnWriter();

    @BeforeEach
    void fill() {
        tx.begin();
        catalog.createTable(tx, new TableSchema(TABLE, "t", Optional.empty(),
                List.of(new ColumnSchema(0, "a", PrimitiveType.U32, Optional.empty())), OptionalInt.empty(),
                List.of(new IndexSchema(INDEX, "i", Optional.empty(), new IndexAlgorithm.BTree(List.of(0)), false)),
                List.of(), List.of(), TableAccess.PUBLIC, TableKind.USER, TableRole.STORED));
        all.writeU32(ROWS);
        for (int i = 0; i < ROWS; i++) {
            all.writeU32(i);
            tx.insert(TABLE, MemorySegment.ofArray(all.buffer()), 4 + 4L * i, 4);
        }
        committed.apply(tx.finish());
        tx.end();
        tx.begin();
    }

    @AfterEach
    void close() {
        if (tx.isOpen()) {
            tx.rollback();
        }
        committed.close();
    }

    private static KeyRange everything() {
        return new KeyRange(MemorySegment.ofArray(new byte[] {2}), 0, 0, 0, 0, 1, 0, 1);
    }

    private List<Executable> writes() {
        return List.of(
                () -> tx.clear(TABLE),
                () -> tx.deleteRange(INDEX, everything()),
                () -> tx.deleteAllByEq(TABLE, MemorySegment.ofArray(all.buffer()), 0, all.length()));
    }

    @Test
    void longWritesGiveUpInTime() throws Throwable {
        for (Executable write : writes()) {
            int[] looks = new int[1];
            tx.watch(() -> ++looks[0] == 2);
            assertEquals(ErrorCode.GUEST_TIMEOUT, assertThrows(EngineException.class, write).code());
            assertEquals(2, looks[0]);
            tx.rollback();
            assertEquals(ROWS, committed.writerView().rowCount(TABLE));
            // The next transaction is nobody's to stop.
            tx.begin();
            write.execute();
            assertEquals(0, tx.rowCount(TABLE));
            tx.rollback();
            tx.begin();
        }
    }

    @Test
    void iteratorsWeighWhatTheyHold() {
        assertEquals(0, tx.scan(TABLE).heldBytes(), "a scan of the committed rows holds none");
        assertEquals(8L * ROWS, tx.range(INDEX, everything()).heldBytes());
        assertEquals(8, tx.point(INDEX, MemorySegment.ofArray(new byte[] {1, 0, 0, 0}), 0, 4).heldBytes());
        tx.insert(TABLE, MemorySegment.ofArray(new byte[] {-1, -1, 0, 0}), 0, 4);
        assertEquals(8, tx.scan(TABLE).heldBytes());
        tx.clear(TABLE);
        assertTrue(tx.scan(TABLE).heldBytes() >= 16L * ROWS);
    }
}
