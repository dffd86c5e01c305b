package dev.geodesic.engine.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.testkit.Proves;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is reported of the reads of a view. Table 5000: a u32, b string, c u8, d f32, e (u8, u8). */
@Proves("execution.md 6.3")
@Proves("module-abi.md 5.5")
class RecordingTransactionTest {

    private static final int TABLE = 5_000;
    private static final int BY_A = 1_001;
    private static final int BY_B = 1_002;
    private static final int BY_A_B_C = 1_003;
    private static final int BY_D = 1_004;
    private static final int HASH_A_C = 1_005;
    private static final int BY_E = 1_006;
    private static final int DIRECT_C = 1_007;
    private static final byte[] ROW = hex("01000000 02000000 6869 07 0000803f 0809");

    private final CommittedState committed = new CommittedState(new HeapStores());
    private final Catalog catalog = Catalog.bootstrap(committed);
    private final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
    private final List<String> reads = new ArrayList<>();
    private final RecordingTransaction view = new RecordingTransaction(tx, new ReadRecorder() {
        @Override
        public void wholeTable(int tableId) {
            reads.add("table " + tableId);
        }

        @Override
        public void point(int indexId, byte[] key) {
            reads.add("point " + indexId + " " + HexFormat.of().formatHex(key));
        }
    });

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    private static IndexSchema index(int id, boolean unique, IndexAlgorithm algorithm) {
        return new IndexSchema(id, "i" + id, Optional.empty(), algorithm, unique);
    }

    @BeforeEach
    void open() {
        var pair = ProductType.of(ProductElement.of("x", PrimitiveType.U8), ProductElement.of("y", PrimitiveType.U8));
        var types = List.of(PrimitiveType.U32, PrimitiveType.STRING, PrimitiveType.U8, PrimitiveType.F32, pair);
        List<ColumnSchema> columns = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            columns.add(new ColumnSchema(i, "" + (char) ('a' + i), types.get(i), Optional.empty()));
        }
        tx.begin();
        catalog.createTable(tx, new TableSchema(TABLE, "t", Optional.empty(), columns, OptionalInt.empty(), List.of(
                index(BY_A, false, new IndexAlgorithm.BTree(List.of(0))),
                index(BY_B, false, new IndexAlgorithm.BTree(List.of(1))),
                index(BY_A_B_C, false, new IndexAlgorithm.BTree(List.of(0, 1, 2))),
                index(BY_D, false, new IndexAlgorithm.BTree(List.of(3))),
                index(HASH_A_C, false, new IndexAlgorithm.Hash(List.of(0, 2))),
                index(BY_E, false, new IndexAlgorithm.BTree(List.of(4))),
                index(DIRECT_C, true, new IndexAlgorithm.Direct(2))),
                List.of(), List.of(), TableAccess.PUBLIC, TableKind.USER, TableRole.STORED));
        tx.insert(TABLE, MemorySegment.ofArray(ROW), 0, ROW.length);
    }

    @AfterEach
    void close() {
        tx.rollback();
        committed.close();
    }

    private static int count(RowIterator rows) {
        int count = 0;
        while (rows.next()) {
            count++;
        }
        return count;
    }

    private int point(int index, String key) {
        byte[] bytes = hex("ee" + key);
        return count(view.point(index, MemorySegment.ofArray(bytes), 1, bytes.length - 1));
    }

    private int range(int index, int elements, String prefix, String start, String end) {
        byte[] p = hex(prefix);
        byte[] s = hex(start);
        byte[] e = hex(end);
        byte[] all = hex("ee" + prefix + start + end);
        return count(view.range(index, new KeyRange(
                MemorySegment.ofArray(all), 1, p.length, elements, 1 + p.length, s.length, 1 + p.length + s.length, e.length)));
    }

    @Test
    void scansAndCountsReadTheTable() {
        assertEquals(1, view.rowCount(TABLE));
        assertEquals(1, count(view.scan(TABLE)));
        assertEquals(List.of("table 5000", "table 5000"), reads);
    }

    @Test
    void namesAreNoReads() {
        assertEquals(TABLE, view.tableId("t"));
        assertEquals(BY_A, view.indexId("i1001"));
        assertTrue(view.tableByName("t").isPresent());
        assertTrue(view.table(TABLE).isPresent());
        assertFalse(view.tables().isEmpty());
        assertEquals(TABLE, view.tableOfIndex(BY_A).tableId());
        assertEquals(List.of(), reads);
    }

    @ParameterizedTest
    @CsvSource({
        "1001, 01000000, 1, 01000000",
        "1001, 02000000, 0, 02000000",               // found nothing, and that matters too
        "1001, 01000000ffff, 1, 01000000",           // bytes behind the key are no part of it
        "1002, 020000006869, 1, 020000006869",
        "1002, 0200000068690000, 1, 020000006869",
        "1003, 0100000002000000686907, 1, 0100000002000000686907",
        "1003, 010000000200000068690799, 1, 0100000002000000686907",
        "1005, 0100000007, 1, 0100000007",
        "1006, 0809, 1, 0809",
        "1007, 07, 1, 07",
    })
    void pointsReadTheirKey(int index, String key, int rows, String recorded) {
        assertEquals(rows, point(index, key));
        assertEquals(List.of("point " + index + " " + recorded), reads);
    }

    @Test
    void keysWithSeveralFormsReadTheTable() {
        assertEquals(1, point(BY_D, "0000803f"));
        assertEquals(1, range(BY_D, 0, "", "000000803f", "000000803f"));
        assertEquals(List.of("table 5000", "table 5000"), reads);
    }

    @ParameterizedTest
    @CsvSource({
        "1001, 0, '', 0001000000, 0001000000, 01000000",
        "1001, 0, '', 0001000000ff, 0001000000, 01000000",
        "1002, 0, '', 00020000006869, 00020000006869ee, 020000006869",
        "1003, 2, 01000000020000006869, 0007, 0007, 0100000002000000686907",
        "1003, 2, 01000000020000006869ff, 0007, 0007, 0100000002000000686907",
        "1006, 0, '', 000809, 000809, 0809",
        "1007, 0, '', 0007, 0007, 07",
    })
    void rangesOfOneKeyArePoints(int index, int elements, String prefix, String start, String end, String recorded) {
        assertEquals(1, range(index, elements, prefix, start, end));
        assertEquals(List.of("point " + index + " " + recorded), reads);
    }

    @ParameterizedTest
    @CsvSource({
        "1001, 0, '', 0001000000, 0002000000",
        "1001, 0, '', 0001000000, 02",
        "1001, 0, '', 02, 0001000000",
        "1001, 0, '', 02, 02",
        "1001, 0, '', 0101000000, 0101000000",
        "1001, 0, '', 0001000000, 0101000000",
        "1002, 0, '', 0002000000686900, 0003000000686900",
        "1003, 1, 01000000, 00020000006869, 00020000006869",
        "1003, 0, '', 0001000000, 0001000000",
        "1003, 2, 01000000020000006869, 02, 02",
    })
    void otherRangesReadTheTable(int index, int elements, String prefix, String start, String end) {
        range(index, elements, prefix, start, end);
        assertEquals(List.of("table 5000"), reads);
    }

    @Test
    void failedReadsAreNone() {
        assertCode(ErrorCode.NO_SUCH_TABLE, () -> view.scan(4_998));
        assertCode(ErrorCode.NO_SUCH_TABLE, () -> view.rowCount(4_999));
        assertCode(ErrorCode.NO_SUCH_INDEX, () -> point(999, "00"));
        assertCode(ErrorCode.NO_SUCH_INDEX, () -> range(999, 0, "", "02", "02"));
        assertCode(ErrorCode.NO_SUCH_INDEX, () -> view.tableOfIndex(999));
        assertCode(ErrorCode.BSATN_DECODE_ERROR, () -> point(BY_A, "000000"));
        assertCode(ErrorCode.BSATN_DECODE_ERROR, () -> range(BY_A, 1, "01000000", "02", "02"));
        assertCode(ErrorCode.BSATN_DECODE_ERROR, () -> range(BY_A, 0, "", "03", "02"));
        assertCode(ErrorCode.WRONG_INDEX_ALGO, () -> range(HASH_A_C, 1, "01000000", "0007", "0007"));
        assertEquals(List.of(), reads);
    }

    @Test
    @Proves("module-abi.md 5.6")
    void writesAreRefused() {
        MemorySegment row = MemorySegment.ofArray(ROW.clone());
        KeyRange all = new KeyRange(MemorySegment.ofArray(new byte[] {2}), 0, 0, 0, 0, 1, 0, 1);
        List<Executable> writes = List.of(
                () -> view.insert(TABLE, row, 0, ROW.length),
                () -> view.update(TABLE, BY_A, row, 0, ROW.length),
                () -> view.delete(TABLE, row, 0, ROW.length),
                () -> view.deleteAllByEq(TABLE, row, 0, ROW.length),
                () -> view.deletePoint(BY_A, row, 0, 4),
                () -> view.deleteRange(BY_A, all),
                () -> view.clear(TABLE));
        for (Executable write : writes) {
            assertCode(ErrorCode.GUEST_TRAP, write);
        }
        assertEquals(1, tx.rowCount(TABLE));
        assertEquals(List.of(), reads);
    }

    private static void assertCode(ErrorCode code, Executable work) {
        assertEquals(code, assertThrows(EngineException.class, work).code());
    }
}
