package dev.geodesic.engine.host;

import static dev.geodesic.engine.host.Guests.imports;
import static dev.geodesic.engine.host.Guests.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.testkit.Proves;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every number that a guest can get, from the function and for the reason that the specification names. */
@ExtendWith(GuestThread.class)
@Proves("module-abi.md 4")
class ErrnoTest {

    /** Rows (1, 2) of t at 100, (0, 9) and (7, 9) of s at 110 and 114; bounds at 120 and later; lengths as numbers. */
    private static final String DATA = """
            (data (i32.const 100) "\\01\\00\\00\\00\\02")
            (data (i32.const 110) "\\00\\09")
            (data (i32.const 114) "\\07\\09")
            (data (i32.const 120) "\\00\\01\\00\\00\\00")
            (data (i32.const 126) "\\02")
            (data (i32.const 128) "\\03\\00\\00\\00\\00")
            (data (i32.const 140) "\\01\\00\\00\\00\\01\\00\\00\\00\\02")
            (data (i32.const 150) "\\01\\00\\00\\00\\01\\00\\00\\00")
            (data (i32.const 160) "ti5101xt_idx_t_c0_btree")
            (data (i32.const 190) "\\ff")
            (data (i32.const 200) "KEY=")
            """;
    private static final String FILL = row(5_000, 100, 5) + row(5_001, 114, 2);
    private static final String IMPORTS = imports(HostFunctions.TABLE.stream().map(f -> f.name())
            .filter(n -> !n.equals("bytes_sink_write")).toArray(String[]::new));

    private final Guests guests = new Guests();
    private final RealTables tables = new RealTables(Limits.DEFAULTS);

    @AfterEach
    void close() {
        tables.close();
        guests.close();
    }

    /** Insertion of the row at an address. */
    private static String row(int table, int at, int length) {
        return "(i32.store (i32.const 64) (i32.const " + length + ")) (if (call $datastore_insert_bsatn (i32.const " + table
                + ") (i32.const " + at + ") (i32.const 64)) (then unreachable))";
    }

    /** The number that a function gives, in a transaction that has a row in both tables. */
    private int errno(String expression) {
        try (ModuleHost host = guests.load(module(IMPORTS, DATA, FILL + "(i32.add (i32.const 1000) " + expression + ")"))) {
            String message = assertInstanceOf(ReducerOutcome.Trapped.class, tables.call(host, 0)).message();
            return Integer.parseInt(message.substring("unknown return code ".length())) - 1_000;
        }
    }

    private static String call(String function, int... arguments) {
        StringBuilder call = new StringBuilder("(call $" + function);
        for (int argument : arguments) {
            call.append(" (i32.const ").append(argument).append(')');
        }
        return call.append(')').toString();
    }

    /** A call whose length argument lies behind a pointer. */
    private static String sized(int length, String call) {
        return "(block (result i32) (i32.store (i32.const 64) (i32.const " + length + ")) " + call + ")";
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.3")
    @CsvSource({
        "table_id_from_name, 160, 1, 0", "table_id_from_name, 161, 5, 4", "table_id_from_name, 160, 0, 4",
        "index_id_from_name, 161, 5, 0", "index_id_from_name, 160, 1, 5",
        "table_id_from_name, 167, 1, 0",
    })
    void names(String function, int name, int length, int errno) {
        assertEquals(errno, errno(call(function, name, length, 80)));
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.4")
    @CsvSource({"5000, 0", "5001, 0", "5999, 4", "0, 4", "-1, 4", "1, 0"})
    void tables(int table, int errno) {
        assertEquals(errno, errno(call("datastore_table_row_count", table, 80)));
        assertEquals(errno, errno(call("datastore_table_scan_bsatn", table, 80)));
        if (table != 1) {
            assertEquals(errno, errno(call("datastore_clear", table, 80)));
        }
    }

    @Test
    @Proves("module-abi.md 5.4")
    void iterators() {
        String open = "(block (result i32) (drop " + call("datastore_table_scan_bsatn", 5_000, 80) + ") ";
        String advance = "(call $row_iter_bsatn_advance (i32.load (i32.const 80)) (i32.const 1000) (i32.const 64))";
        String close = "(call $row_iter_bsatn_close (i32.load (i32.const 80)))";
        assertEquals(11, errno(open + sized(4, advance) + ")"));
        assertEquals(5, errno(open + "(drop " + sized(4, advance) + ") (i32.load (i32.const 64)))"), "the size that suffices");
        assertEquals(-1, errno(open + sized(5, advance) + ")"));
        assertEquals(6, errno(open + "(drop " + sized(5, advance) + ")" + advance + ")"));
        assertEquals(6, errno(open + "(drop " + sized(5, advance) + ")" + close + ")"));
        assertEquals(0, errno(open + close + ")"));
        assertEquals(6, errno(open + "(drop " + close + ")" + close + ")"));
        assertEquals(6, errno(call("row_iter_bsatn_advance", 0, 1_000, 64)));
        assertEquals(6, errno(call("row_iter_bsatn_advance", 7, 0, 0)), "the handle is looked at before the pointers");
        assertEquals(6, errno(call("row_iter_bsatn_close", -1)));
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.5")
    @CsvSource({
        "5101, 100, 4, 0", "5101, 100, 3, 3", "5101, 100, 0, 3", "5101, 100, 5, 0", "5999, 100, 4, 5",
        "5102, 104, 1, 0", "5103, 100, 5, 0", "5103, 100, 4, 3", "5103, 100, 6, 3",
    })
    void points(int index, int key, int length, int errno) {
        assertEquals(errno, errno(call("datastore_index_scan_point_bsatn", index, key, length, 80)));
        assertEquals(errno, errno(call("datastore_delete_by_index_scan_point_bsatn", index, key, length, 80)));
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.5")
    @CsvSource({
        "5101, 0, 0, 0, 120, 5, 120, 5, 0",
        "5101, 0, 0, 0, 126, 1, 126, 1, 0",
        "5101, 0, 0, 0, 128, 5, 126, 1, 3",     // no such kind of bound
        "5101, 0, 0, 0, 120, 4, 126, 1, 3",     // too short a value
        "5101, 0, 0, 0, 120, 0, 126, 1, 3",
        "5101, 0, 0, 0, 126, 1, 120, 3, 3",
        "5101, 100, 4, 1, 126, 1, 126, 1, 3",   // a prefix leaves no column
        "5103, 104, 1, 1, 120, 5, 120, 5, 0",
        "5103, 104, 0, 1, 120, 5, 120, 5, 3",
        "5103, 100, 5, 2, 126, 1, 126, 1, 3",
        "5103, 104, 1, 65535, 126, 1, 126, 1, 3",
        "5102, 0, 0, 0, 126, 1, 126, 1, 10",    // hash
        "5999, 0, 0, 0, 126, 1, 126, 1, 5",
    })
    void ranges(int index, int prefix, int prefixLength, int elements, int start, int startLength, int end, int endLength,
            int errno) {
        for (String function : new String[] {"datastore_index_scan_range_bsatn", "datastore_btree_scan_bsatn",
            "datastore_delete_by_index_scan_range_bsatn", "datastore_delete_by_btree_scan_bsatn"}) {
            assertEquals(errno, errno(call(
                    function, index, prefix, prefixLength, elements, start, startLength, end, endLength, 80)), function);
        }
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.6")
    @CsvSource({
        "5000, 100, 5, 0",      // is there already
        "5000, 100, 4, 3", "5000, 100, 0, 3", "5999, 100, 5, 4",
        "5000, 150, 5, 12",     // (1, 1)
        "5001, 110, 2, 12",     // 9 is taken
    })
    void inserts(int table, int row, int length, int errno) {
        assertEquals(errno, errno(sized(length, call("datastore_insert_bsatn", table, row, 64))));
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.6")
    @CsvSource({
        "5000, 5101, 100, 5, 0",    // the same row
        "5000, 5101, 154, 5, 0",    // (1, 0)
        "5000, 5101, 110, 5, 15",
        "5000, 5101, 100, 4, 3",
        "5000, 5102, 100, 5, 14",
        "5000, 5201, 100, 5, 5",    // of another table
        "5000, 5999, 100, 5, 5",
        "5999, 5101, 100, 5, 4",
        "5001, 5201, 110, 2, 15",   // a key from the sequence
        "5001, 5202, 114, 2, 0",
    })
    void updates(int table, int index, int row, int length, int errno) {
        assertEquals(errno, errno(sized(length, call("datastore_update_bsatn", table, index, row, 64))));
    }

    @Test
    @Proves("module-abi.md 5.6")
    void updatesThatBreakAnotherConstraint() {
        // (7, 9) and (8, 5), then 8 wants 9 as well.
        String second = "(i32.store16 (i32.const 300) (i32.const 0x0508)) " + row(5_001, 300, 2);
        assertEquals(12, errno("(block (result i32) " + second + "(i32.store16 (i32.const 300) (i32.const 0x0908))"
                + sized(2, call("datastore_update_bsatn", 5_001, 5_201, 300, 64)) + ")"));
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.6")
    @CsvSource({"5000, 140, 9, 0", "5000, 140, 8, 3", "5000, 140, 3, 3", "5999, 140, 9, 4", "5000, 126, 4, 3"})
    void deletions(int table, int rows, int length, int errno) {
        assertEquals(errno, errno(call("datastore_delete_all_by_eq_bsatn", table, rows, length, 80)));
    }

    @Test
    @Proves("module-abi.md 5.6")
    void sequencesThatAreUsedUpGiveKeysThatAreTaken() {
        // The generated number is cut to its column, as upstream: 16 is never returned.
        String loop = """
                (block (result i32)
                  (loop $l
                    (i32.store (i32.const 64) (i32.const 2))
                    (i32.store8 (i32.const 300) (i32.const 0))
                    (i32.store8 (i32.const 301) (local.get $n))
                    (local.set $n (i32.add (local.get $n) (i32.const 1)))
                    (local.set $r (call $datastore_insert_bsatn (i32.const 5001) (i32.const 300) (i32.const 64)))
                    (br_if $l (i32.and (i32.lt_u (local.get $n) (i32.const 600))
                      (i32.or (i32.eqz (local.get $r)) (i32.lt_u (local.get $n) (i32.const 20))))))
                  (local.get $r))
                """;
        assertEquals(12, errno(loop));
    }

    @Test
    @Proves("module-abi.md 5.7")
    void sourcesAndSinks() {
        assertEquals(8, errno(call("bytes_source_read", 0, 80, 64)));
        assertEquals(8, errno(call("bytes_source_read", 5, 0, 0)));
        assertEquals(8, errno(call("bytes_source_remaining_length", 1, 0)));
        assertEquals(8, errno(call("bytes_sink_write", 0, 80, 64)));
        assertEquals(8, errno(call("bytes_sink_write", 2, 80, 64)));
        assertEquals(0, errno(sized(3, call("bytes_sink_write", 1, 80, 64))));
        assertEquals(9, errno(sized(33 << 20, "(block (result i32) (drop (memory.grow (i32.const 700)))"
                + call("bytes_sink_write", 1, 80, 64) + ")")));
    }

    @Test
    @Proves("module-abi.md 5.8")
    void theRest() {
        assertEquals(7, errno(call("console_timer_end", 0)));
        assertEquals(7, errno(call("console_timer_end", 1)));
        assertEquals(0, errno("(call $console_timer_end " + call("console_timer_start", 160, 1) + ")"));
        assertEquals(0, errno(call("get_jwt", 64, 80)));
        assertEquals(1, errno(call("env_get", 200, 0, 80)));
        assertEquals(1, errno(call("env_get", 200, 4, 80)));
        assertEquals(1, errno(call("env_get", 190, 1, 80)));
        assertEquals(0, errno(call("env_get", 200, 3, 80)));
        assertEquals(9, errno("(block (result i32) (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))"
                + "(local.set $r " + call("env_get", 200, 3, 80) + ")"
                + "(br_if $l (i32.and (i32.eqz (local.get $r)) (i32.lt_u (local.get $n) (i32.const 300)))))"
                + "(if (i32.ne (local.get $n) (i32.const 257)) (then unreachable)) (local.get $r))"));
    }

    @Test
    @Proves("module-abi.md 5.9")
    @Proves("module-abi.md 5.10")
    void procedures() {
        assertEquals(17, errno(call("procedure_start_mut_tx", 80)));
        assertEquals(18, errno(call("procedure_commit_mut_tx")));
        assertEquals(18, errno(call("procedure_abort_mut_tx")));
    }

    @Test
    @Proves("module-abi.md 5.10")
    void initialisationHasNoTransaction() {
        StringBuilder body = new StringBuilder("(func (export \"__preinit__x\")");
        String[] calls = {
            call("table_id_from_name", 160, 1, 80), call("index_id_from_name", 160, 1, 80),
            call("datastore_table_row_count", 5_000, 80), call("datastore_table_scan_bsatn", 5_000, 80),
            call("datastore_index_scan_range_bsatn", 5_101, 0, 0, 0, 126, 1, 126, 1, 80),
            call("datastore_index_scan_point_bsatn", 5_101, 100, 4, 80), call("datastore_insert_bsatn", 5_000, 100, 64),
            call("datastore_update_bsatn", 5_000, 5_101, 100, 64), call("datastore_delete_all_by_eq_bsatn", 5_000, 140, 9, 80),
            call("datastore_delete_by_index_scan_range_bsatn", 5_101, 0, 0, 0, 126, 1, 126, 1, 80),
            call("datastore_delete_by_index_scan_point_bsatn", 5_101, 100, 4, 80), call("datastore_clear", 5_000, 80),
            call("get_jwt", 64, 80), call("env_get", 200, 3, 80)};
        for (String call : calls) {
            body.append("(if (i32.ne ").append(call).append(" (i32.const 2)) (then unreachable))");
        }
        for (String call : new String[] {call("procedure_commit_mut_tx"), call("procedure_abort_mut_tx")}) {
            body.append("(if (i32.ne ").append(call).append(" (i32.const 18)) (then unreachable))");
        }
        body.append("(if (call $console_timer_end ").append(call("console_timer_start", 160, 1)).append(") (then unreachable))");
        body.append("(call $identity (i32.const 80)))");
        guests.load(module(IMPORTS, DATA + body, "(i32.const 0)")).close();
    }
}
