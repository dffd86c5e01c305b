package dev.geodesic.engine.host;

import static dev.geodesic.engine.host.Guests.call;
import static dev.geodesic.engine.host.Guests.imports;
import static dev.geodesic.engine.host.Guests.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.ReducerOutcome.Committed;
import dev.geodesic.engine.host.ReducerOutcome.Failed;
import dev.geodesic.engine.host.ReducerOutcome.TimedOut;
import dev.geodesic.engine.host.ReducerOutcome.Trapped;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.FakeTransaction;
import dev.geodesic.engine.host.abi.LogLevel;
import dev.geodesic.engine.host.abi.LogRecord;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.port.WakeUps;
import dev.geodesic.testkit.Proves;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reducer calls and host functions, with modules that do one thing. */
@ExtendWith(GuestThread.class)
class ModuleInstanceTest {

    private static final int T = FakeTransaction.TABLE;

    private final Guests guests = new Guests();
    private final FakeTransaction tx = new FakeTransaction();

    @AfterEach
    void close() {
        guests.close();
    }

    /** Result of a module whose reducer is the given expression: its errno arrives as "code n". */
    private int errno(String imports, String expression) {
        return errno(imports, "", expression);
    }

    private int errno(String imports, String others, String expression) {
        ReducerOutcome outcome = guests.run(module(imports, others, "(i32.add (i32.const 1000) " + expression + ")"), tx);
        String message = assertInstanceOf(Trapped.class, outcome).message();
        assertTrue(message.startsWith("unknown return code "), message);
        return Integer.parseInt(message.substring("unknown return code ".length())) - 1000;
    }

    private String trap(String imports, String expression) {
        Trapped trapped = assertInstanceOf(Trapped.class, guests.run(module(imports, "", expression), tx));
        assertEquals(TrapKind.HOST, trapped.kind(), trapped.message());
        return trapped.message();
    }

    /* Calls. */

    @Proves("module-abi.md 2.2")
    @Proves("module-abi.md 5.7")
    @Test
    @Proves("module-abi.md 2.2")
    void passesArgumentsAndCommits() {
        String body = """
                (if (i64.ne (local.get $s0) (i64.const 1)) (then unreachable))
                (if (i64.ne (local.get $s3) (i64.const 4)) (then unreachable))
                (if (i64.ne (local.get $c0) (i64.const 5)) (then unreachable))
                (if (i64.ne (local.get $c1) (i64.const 6)) (then unreachable))
                (if (i64.ne (local.get $ts) (i64.const 1700000000000000)) (then unreachable))
                (if (i32.ne (local.get $args) (i32.const 1)) (then unreachable))
                (drop (call $bytes_source_remaining_length (local.get $args) (i32.const 64)))
                (if (i32.ne (i32.load (i32.const 64)) (i32.const 3)) (then unreachable))
                (i32.store (i32.const 64) (i32.const 2))
                (if (call $bytes_source_read (local.get $args) (i32.const 80) (i32.const 64)) (then unreachable))
                (i32.store (i32.const 64) (i32.const 9))
                (if (i32.ne (call $bytes_source_read (local.get $args) (i32.const 82) (i32.const 64)) (i32.const -1))
                  (then unreachable))
                (if (i32.ne (i32.load (i32.const 64)) (i32.const 1)) (then unreachable))
                (if (i32.ne (call $bytes_source_read (local.get $args) (i32.const 82) (i32.const 64)) (i32.const 8))
                  (then unreachable))
                (i32.store8 (i32.const 83) (i32.const 0))
                (i32.ne (i32.load (i32.const 80)) (i32.const 0x030201))
                """;
        String wat = module(imports("bytes_source_read", "bytes_source_remaining_length"), "", body);
        try (ModuleHost host = guests.load(wat)) {
            for (int i = 0; i < 3; i++) { // handles start at 1 again
                assertSame(Committed.INSTANCE, call(host, 0, tx, (byte) 1, (byte) 2, (byte) 3));
            }
        }
    }

    @Proves("module-abi.md 3")
    @Test
    @Proves("module-abi.md 2.2")
    @Proves("module-abi.md 3")
    void emptyArgumentsAreHandleZero() {
        assertSame(Committed.INSTANCE, guests.run(module("", "", "(local.get $args)"), tx));
    }

    @Proves("module-abi.md 2.3")
    @Test
    @Proves("module-abi.md 2.3")
    void returnsTheErrorText() {
        String body = """
                (i32.store (i32.const 64) (i32.const 4))
                (drop (call $bytes_sink_write (local.get $err) (i32.const 70) (i32.const 64)))
                (drop (call $bytes_sink_write (local.get $err) (i32.const 74) (i32.const 64)))
                (i32.const 1)
                """;
        String data = "(data (i32.const 70) \"oh \\c3\\a4h\\ff!\")";
        try (ModuleHost host = guests.load(module("", data, body))) {
            ModuleInstance instance = host.main();
            assertEquals("oh \u00e4h\ufffd!", assertInstanceOf(Failed.class, call(host, 0, tx)).message().substring(0, 7));
            assertSame(instance, host.main());
        }
    }

    @Proves("module-abi.md 2.3")
    @Test
    @Proves("module-abi.md 2.3")
    void unknownCodeKeepsTheInstance() {
        try (ModuleHost host = guests.load(module("", "", "(i32.const -7)"))) {
            ModuleInstance instance = host.main();
            assertEquals("unknown return code -7", assertInstanceOf(Trapped.class, call(host, 0, tx)).message());
            assertSame(instance, host.main());
        }
    }

    @Proves("module-abi.md 6")
    @Test
    @Proves("module-abi.md 6")
    @Proves("execution.md 2.2")
    void replacesTheInstanceAfterATrap() {
        String body = """
                (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
                (if (i32.eq (local.get $id) (i32.const 1)) (then unreachable))
                (i32.add (i32.const 10) (i32.load (i32.const 64)))
                """;
        try (ModuleHost host = guests.load(module("", "", body))) {
            call(host, 0, tx);
            assertEquals("unknown return code 12", ((Trapped) call(host, 0, tx)).message());
            ModuleInstance before = host.main();
            Trapped trapped = assertInstanceOf(Trapped.class, call(host, 1, tx));
            assertEquals(TrapKind.UNREACHABLE, trapped.kind());
            assertTrue(before.isDead());
            assertThrows(EngineException.class, () -> before.callReducer(
                    CallContext.outsideTransaction("x"), 0, Guests.SENDER, Guests.CONNECTION, 0, new byte[0]));
            assertEquals("unknown return code 11", ((Trapped) call(host, 0, tx)).message());
            assertNotSame(before, host.main());
        }
    }

    @Proves("module-abi.md 6")
    @ParameterizedTest
    @CsvSource({
        "STACK_OVERFLOW, '(call $rec (i32.const 0))'",
        "MEMORY_OUT_OF_BOUNDS, '(i32.load (i32.const -4))'",
        "INTEGER_DIVISION_BY_ZERO, '(i32.div_u (i32.const 1) (local.get $r))'",
        "INTEGER_OVERFLOW, '(i32.div_s (i32.const 0x80000000) (i32.const -1))'",
        "BAD_CONVERSION_TO_INTEGER, '(i32.trunc_f32_s (f32.const nan))'",
        "INDIRECT_CALL_TO_NULL, '(call_indirect (result i32) (i32.const 0))'",
        "TABLE_OUT_OF_BOUNDS, '(call_indirect (result i32) (i32.const 9))'",
        "UNREACHABLE, 'unreachable'",
    })
    void tellsTrapsApart(TrapKind kind, String body) {
        String others = "(table 2 funcref) (func $rec (param i32) (result i32) "
                + "(i32.add (i32.const 1) (call $rec (i32.add (local.get 0) (i32.const 1)))))";
        Trapped trapped = assertInstanceOf(Trapped.class, guests.run(module("", others, body), tx));
        assertEquals(kind, trapped.kind());
        assertEquals(ErrorCode.GUEST_TRAP, trapped.code());
        assertFalse(trapped.message().isEmpty());
        assertFalse(trapped.message().contains("\n"), trapped.message());
    }

    @Test
    void survivesManyStackOverflows() {
        String others = "(func $rec (param i32) (result i32) "
                + "(call $identity (i32.const 64)) (i32.add (i32.const 1) (call $rec (i32.add (local.get 0) (i32.const 1)))))";
        try (ModuleHost host = guests.load(module(imports("identity"), others, "(call $rec (i32.const 0))"))) {
            for (int i = 0; i < 50; i++) {
                assertEquals(TrapKind.STACK_OVERFLOW, ((Trapped) call(host, 0, tx)).kind());
            }
        }
    }

    @Proves("module-abi.md 6")
    @Test
    @Proves("module-abi.md 6")
    void stopsEndlessLoops() {
        guests.withLimits(1 << 20, 100, 1 << 20, 8, 100);
        try (ModuleHost host = guests.load(module("", "", "(if (local.get $id) (then (loop $l (br $l)))) (i32.const 0)"))) {
            long start = System.nanoTime();
            assertInstanceOf(TimedOut.class, call(host, 1, tx));
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            assertTrue(took.toMillis() >= 90 && took.toMillis() < 5_000, took::toString);
            assertSame(Committed.INSTANCE, call(host, 0, tx));
        }
    }

    /** What a call before it has said is not held back by a long one. */
    @Test
    void wakeUpsThatAreHeldBackGoDuringALongCall() {
        guests.withLimits(1 << 20, 100, 1 << 20, 8, 300);
        AtomicLong told = new AtomicLong();
        try (ModuleHost host = guests.load(module("", "", "(loop $l (br $l)) (i32.const 0)"));
                WakeUps held = WakeUps.hold()) {
            WakeUps.execute(Runnable::run, () -> told.set(System.nanoTime()));
            assertEquals(0, told.get());
            assertInstanceOf(TimedOut.class, call(host, 1, tx));
            long end = System.nanoTime();
            assertTrue(
                    told.get() != 0 && end - told.get() > 100_000_000,
                    () -> "told " + (end - told.get()) + " ns before the end");
            held.release();
        }
    }

    @Test
    void stopsEndlessHostCalls() {
        guests.withLimits(1 << 20, 100, 1 << 20, 8, 100);
        String body = "(loop $l (call $identity (i32.const 64)) (br $l)) (i32.const 0)";
        assertInstanceOf(TimedOut.class, guests.run(module(imports("identity"), "", body), tx));
    }

    @Test
    void interruptsFromAnotherThread() throws InterruptedException {
        try (ModuleHost host = guests.load(module("", "", "(loop $l (br $l)) (i32.const 0)"))) {
            ModuleInstance instance = host.main();
            Thread other = Thread.ofPlatform().start(() -> {
                while (!instance.isDead()) { // set when the call begins
                    Thread.onSpinWait();
                }
                for (int i = 0; i < 100; i++) {
                    instance.interrupt();
                    LockSupport.parkNanos(1_000_000);
                }
            });
            assertInstanceOf(TimedOut.class, call(host, 0, tx));
            other.join();
        }
    }

    @Test
    void capsMemory() {
        guests.withLimits(4 * 65_536, 10_000, 1 << 20, 8, 100);
        // From two pages: growth by two works, by one more does not.
        String body = """
                (if (i32.ne (memory.grow (i32.const 2)) (i32.const 2)) (then unreachable))
                (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
                (call $identity (i32.const 262112))
                (i32.eqz (i32.load (i32.const 262112)))
                """;
        try (ModuleHost host = guests.load(module(imports("identity"), "", body))) {
            assertSame(Committed.INSTANCE, call(host, 0, tx));
            assertEquals(4 * 65_536, host.main().memoryBytes());
        }
    }

    @Test
    void refusesVirtualThreads() throws InterruptedException {
        try (ModuleHost host = guests.load(module("", "", "(i32.const 0)"))) {
            ModuleInstance instance = host.main();
            Throwable[] thrown = new Throwable[1];
            Thread.ofVirtual().start(() -> {
                try {
                    instance.callReducer(
                            CallContext.outsideTransaction("x"), 0, Guests.SENDER, Guests.CONNECTION, 0, new byte[0]);
                } catch (EngineException e) {
                    thrown[0] = e;
                }
            }).join();
            assertTrue(thrown[0].getMessage().contains("platform thread"));
        }
    }

    /* Errors of host functions. */

    @Proves("module-abi.md 4")
    @ParameterizedTest
    @CsvSource({"255, 12", "1, 0"})
    @Proves("module-abi.md 4")
    void codesWithErrnoBecomeResults(int first, int errno) {
        assertEquals(errno, errno(imports("datastore_insert_bsatn"), "(block (result i32) " + insertion(first) + ")"));
    }

    private static String insert(int first) {
        return module(imports("datastore_insert_bsatn"), "", insertion(first));
    }

    private static String insertion(int first) {
        return "(i32.store8 (i32.const 64) (i32.const " + first + ")) (i32.store (i32.const 68) (i32.const 1))"
                + "(call $datastore_insert_bsatn (i32.const 4097) (i32.const 64) (i32.const 68))";
    }

    @Proves("module-abi.md 4")
    @Test
    @Proves("module-abi.md 4")
    void otherCodesTrap() {
        Trapped trapped = assertInstanceOf(Trapped.class, guests.run(insert(253), tx));
        assertEquals(ErrorCode.LIMIT_EXCEEDED, trapped.code());
        assertEquals("runtime error calling datastore_insert_bsatn: as the test wanted", trapped.message());
    }

    @Test
    void bugsReachTheCaller() {
        try (ModuleHost host = guests.load(insert(254))) {
            for (int i = 0; i < 3; i++) {
                ModuleInstance instance = host.main();
                EngineException e = assertThrows(EngineException.class, () -> call(host, 0, tx));
                assertEquals(ErrorCode.INTERNAL, e.code());
                assertTrue(instance.isDead());
            }
        }
        try (ModuleHost host = guests.load(insert(252))) {
            assertThrows(IllegalStateException.class, () -> call(host, 0, tx));
        }
    }

    @Test
    void hostStackOverflowIsATrap() {
        Trapped trapped = assertInstanceOf(Trapped.class, guests.run(insert(251), tx));
        assertEquals("runtime error calling datastore_insert_bsatn: stack overflow", trapped.message());
    }

    @Proves("module-abi.md 5.1")
    @ParameterizedTest
    @CsvSource({
        "identity, '(call $identity (i32.const 0)) (i32.const 0)', null",
        "identity, '(call $identity (i32.const 131041)) (i32.const 0)', out of bounds",
        "identity, '(call $identity (i32.const -1)) (i32.const 0)', out of bounds",
        "table_id_from_name, '(call $table_id_from_name (i32.const 64) (i32.const -1) (i32.const 80))', out of bounds",
        "table_id_from_name, '(call $table_id_from_name (i32.const 0) (i32.const 0) (i32.const 80))', null",
        "table_id_from_name, '(call $table_id_from_name (i32.const 64) (i32.const 1) (i32.const 0))', null",
        "table_id_from_name, '(call $table_id_from_name (i32.const 64) (i32.const 131009) (i32.const 80))', out of bounds",
        "table_id_from_name, '(call $table_id_from_name (i32.const 200) (i32.const 1) (i32.const 80))', invalid utf8",
        "datastore_insert_bsatn, '(i32.store (i32.const 64) (i32.const 200000)) (call $datastore_insert_bsatn (i32.const 4097)"
                + " (i32.const 80) (i32.const 64))', out of bounds",
        "datastore_insert_bsatn, '(i32.store (i32.const 64) (i32.const -1)) (call $datastore_insert_bsatn (i32.const 4097)"
                + " (i32.const 80) (i32.const 64))', rowBytesMax",
        "datastore_index_scan_range_bsatn, '(call $datastore_index_scan_range_bsatn (i32.const 7) (i32.const 0) (i32.const 0)"
                + " (i32.const 65536) (i32.const 80) (i32.const 1) (i32.const 80) (i32.const 1) (i32.const 64))', u16",
        "datastore_index_scan_point_bsatn, '(call $datastore_index_scan_point_bsatn (i32.const 7) (i32.const 80)"
                + " (i32.const 0x7fffffff) (i32.const 64))', out of bounds",
        "procedure_http_request, '(call $procedure_http_request (i32.const 64) (i32.const 1) (i32.const 64) (i32.const 1)"
                + " (i32.const 80))', only available in async instances",
        "procedure_sleep_until, '(i32.wrap_i64 (call $procedure_sleep_until (i64.const 0)))', only available in async instances",
    })
    void badPointersTrap(String function, String body, String message) {
        Trapped trapped = assertInstanceOf(Trapped.class,
                guests.run(module(imports(function), "(data (i32.const 200) \"\\ff\")", body), tx));
        assertEquals(TrapKind.HOST, trapped.kind());
        assertTrue(trapped.message().startsWith("runtime error calling " + function + ": "), trapped.message());
        assertTrue(trapped.message().contains(message), trapped.message());
    }

    @Test
    @Proves("module-abi.md 5.10")
    void procedureFunctionsInAReducer() {
        assertEquals(17, errno(imports("procedure_start_mut_tx"), "(call $procedure_start_mut_tx (i32.const 64))"));
        assertEquals(18, errno(imports("procedure_commit_mut_tx"), "(call $procedure_commit_mut_tx)"));
        assertEquals(18, errno(imports("procedure_abort_mut_tx"), "(call $procedure_abort_mut_tx)"));
    }

    @Proves("module-abi.md 5.10")
    @Test
    @Proves("module-abi.md 5.10")
    void tableFunctionsNeedATransaction() {
        String wat = module(imports("datastore_table_row_count", "get_jwt"), "",
                "(i32.add (i32.mul (i32.const 10) (call $datastore_table_row_count (i32.const 4097) (i32.const 64)))"
                        + " (call $get_jwt (i32.const 64) (i32.const 80)))");
        try (ModuleHost host = guests.load(wat)) {
            ReducerOutcome outcome = host.main().callReducer(
                    CallContext.outsideTransaction("x"), 0, Guests.SENDER, Guests.CONNECTION, 0, new byte[0]);
            assertEquals("unknown return code 22", ((Trapped) outcome).message());
        }
    }

    /* Tables. */

    @Proves("module-abi.md 5.3")
    @Test
    @Proves("module-abi.md 5.3")
    void findsNames() {
        String data = "(data (i32.const 100) \"t_idx\")";
        assertEquals(T, errno(imports("table_id_from_name"), data,
                "(block (result i32) (drop (call $table_id_from_name (i32.const 100) (i32.const 1)"
                + " (i32.const 64))) (i32.load (i32.const 64)))"));
        assertEquals(4, errno(imports("table_id_from_name"), data,
                "(call $table_id_from_name (i32.const 100) (i32.const 2) (i32.const 64))"));
        assertEquals(FakeTransaction.INDEX, errno(imports("index_id_from_name"), data,
                "(block (result i32) (drop (call $index_id_from_name (i32.const 100) (i32.const 5) (i32.const 64)))"
                        + " (i32.load (i32.const 64)))"));
        assertEquals(5, errno(imports("index_id_from_name"), data,
                "(call $index_id_from_name (i32.const 100) (i32.const 4) (i32.const 64))"));
    }

    @Proves("module-abi.md 5.6")
    @Test
    @Proves("module-abi.md 5.6")
    void insertWritesGeneratedColumnsBack() {
        String body = """
                (i32.store (i32.const 64) (i32.const 0x00030200))
                (i32.store (i32.const 68) (i32.const 3))
                (drop (call $datastore_insert_bsatn (i32.const 4097) (i32.const 64) (i32.const 68)))
                (i32.add (i32.mul (i32.const 1000) (i32.load (i32.const 68))) (i32.load8_u (i32.const 64)))
                """;
        Trapped outcome = (Trapped) guests.run(module(imports("datastore_insert_bsatn"), "", body), tx);
        assertEquals("unknown return code 1042", outcome.message());
        assertArrayEquals(new byte[] {0x2a, 2, 3}, tx.rows.getFirst());
    }

    @Proves("module-abi.md 5.6")
    @Test
    @Proves("module-abi.md 5.6")
    void countsAndClears() {
        tx.rows.add(new byte[] {1});
        tx.rows.add(new byte[] {2});
        String body = """
                (i64.store (i32.const 64) (i64.const -1))
                (i64.store (i32.const 72) (i64.const -1))
                (drop (call $datastore_table_row_count (i32.const 4097) (i32.const 64)))
                (drop (call $datastore_clear (i32.const 4097) (i32.const 72)))
                (i32.wrap_i64 (i64.add (i64.mul (i64.const 10) (i64.load (i32.const 64))) (i64.load (i32.const 72))))
                """;
        assertEquals("unknown return code 22",
                ((Trapped) guests.run(module(imports("datastore_table_row_count", "datastore_clear"), "", body), tx)).message());
        assertEquals(0, tx.rows.size());
    }

    @Proves("module-abi.md 5.5")
    @Test
    @Proves("module-abi.md 5.5")
    void rangesPassThrough() {
        String body = """
                (drop (call $datastore_index_scan_range_bsatn (i32.const 7) (i32.const 101) (i32.const 2) (i32.const 1)
                  (i32.const 103) (i32.const 4) (i32.const 107) (i32.const 5) (i32.const 64)))
                (i32.const 0)
                """;
        guests.run(module(imports("datastore_index_scan_range_bsatn"), "", body), tx);
        assertEquals(101, tx.lastRange.prefixOffset());
        assertEquals(2, tx.lastRange.prefixLength());
        assertEquals(1, tx.lastRange.prefixElements());
        assertEquals(103, tx.lastRange.startOffset());
        assertEquals(4, tx.lastRange.startLength());
        assertEquals(107, tx.lastRange.endOffset());
        assertEquals(5, tx.lastRange.endLength());
        // Without prefix elements the prefix is not looked at.
        String none = body.replace("(i32.const 101) (i32.const 2) (i32.const 1)", "(i32.const 0) (i32.const -1) (i32.const 0)");
        assertSame(Committed.INSTANCE, guests.run(module(imports("datastore_index_scan_range_bsatn"), "", none), tx));
        assertEquals(0, tx.lastRange.prefixLength());
    }

    private static final String SCAN = """
            (drop (call $datastore_table_scan_bsatn (i32.const 4097) (i32.const 64)))
            (i32.store (i32.const 68) (i32.const %d))
            (local.set $r (call $row_iter_bsatn_advance (i32.load (i32.const 64)) (i32.const 80) (i32.const 68)))
            (i32.add (i32.mul (local.get $r) (i32.const 1000)) (i32.load (i32.const 68)))
            """;

    @Proves("module-abi.md 5.4")
    @ParameterizedTest
    @CsvSource({"0, 11003", "2, 11003", "3, 3", "5, 3", "7, 7", "9, -991", "100, -991"})
    @Proves("module-abi.md 5.4")
    void iteratorsCopyWholeRows(int capacity, int result) {
        tx.rows.add(new byte[] {1, 2, 3});
        tx.rows.add(new byte[] {4, 5, 6, 7});
        tx.rows.add(new byte[] {8, 9});
        String wat = module(imports("datastore_table_scan_bsatn", "row_iter_bsatn_advance"), "", SCAN.formatted(capacity));
        assertEquals("unknown return code " + result, ((Trapped) guests.run(wat, tx)).message());
    }

    @Proves("module-abi.md 5.4")
    @Test
    @Proves("module-abi.md 5.4")
    void emptyIteratorsEndAtOnce() {
        String wat = module(imports("datastore_table_scan_bsatn", "row_iter_bsatn_advance"), "", SCAN.formatted(10));
        assertEquals("unknown return code -1000", ((Trapped) guests.run(wat, tx)).message());
    }

    @Test
    @Proves("module-abi.md 3")
    @Proves("module-abi.md 5.4")
    void iteratorsDieWhenExhaustedOrClosed() {
        tx.rows.add(new byte[] {1});
        String imports = imports("datastore_table_scan_bsatn", "row_iter_bsatn_advance", "row_iter_bsatn_close");
        assertEquals(6, errno(imports, "(block (result i32)" + SCAN.formatted(10) + "drop "
                + "(call $row_iter_bsatn_close (i32.load (i32.const 64))))"));
        assertEquals(0, errno(imports, "(block (result i32)" + SCAN.formatted(0) + "drop "
                + "(call $row_iter_bsatn_close (i32.load (i32.const 64))))"));
        assertEquals(6, errno(imports, "(call $row_iter_bsatn_advance (i32.const 0) (i32.const 0) (i32.const 0))"));
        assertEquals(6, errno(imports, "(call $row_iter_bsatn_close (i32.const -1))"));
    }

    @Proves("module-abi.md 3")
    @Test
    void limitsOpenIterators() {
        guests.withLimits(1 << 20, 10_000, 1 << 20, 8, 100);
        String body = """
                (loop $l
                  (drop (call $datastore_table_scan_bsatn (i32.const 4097) (i32.const 64)))
                  (local.set $n (i32.add (local.get $n) (i32.const 1)))
                  (br_if $l (i32.lt_u (local.get $n) (i32.const %d))))
                (i32.const 0)
                """;
        String imports = imports("datastore_table_scan_bsatn");
        try (ModuleHost host = guests.load(module(imports, "", body.formatted(8)))) {
            assertSame(Committed.INSTANCE, call(host, 0, tx));
            assertSame(Committed.INSTANCE, call(host, 0, tx)); // the call's end freed them
        }
        assertTrue(trap(imports, body.formatted(9)).contains("handlesMax"));
    }

    @Proves("module-abi.md 5.5")
    @Test
    @Proves("module-abi.md 5.5")
    void pointsAndDeletes() {
        tx.rows.add(new byte[] {1});
        tx.rows.add(new byte[] {1, 2});
        tx.rows.add(new byte[] {2});
        String imports = imports("datastore_index_scan_point_bsatn", "row_iter_bsatn_advance",
                "datastore_delete_by_index_scan_point_bsatn", "datastore_update_bsatn", "datastore_delete_all_by_eq_bsatn");
        String data = "(data (i32.const 100) \"\\01\\00\\00\\00\\02\") (data (i32.const 110) \"\\02\\09\")";
        assertEquals(3, errno(imports, data, """
                (block (result i32)
                  (drop (call $datastore_index_scan_point_bsatn (i32.const 7) (i32.const 100) (i32.const 1) (i32.const 64)))
                  (i32.store (i32.const 68) (i32.const 50))
                  (drop (call $row_iter_bsatn_advance (i32.load (i32.const 64)) (i32.const 200) (i32.const 68)))
                  (i32.load (i32.const 68)))"""));
        assertEquals(3, errno(imports, data,
                "(call $datastore_index_scan_point_bsatn (i32.const 7) (i32.const 100) (i32.const 2) (i32.const 64))"));
        assertEquals(5, errno(imports, data,
                "(call $datastore_index_scan_point_bsatn (i32.const 8) (i32.const 100) (i32.const 1) (i32.const 64))"));
        assertEquals(2, errno(imports, data, """
                (block (result i32)
                  (drop (call $datastore_delete_by_index_scan_point_bsatn (i32.const 7) (i32.const 100) (i32.const 1)
                    (i32.const 64)))
                  (i32.load (i32.const 64)))"""));
        assertEquals(1, tx.rows.size());
        assertEquals(0, errno(imports, data, """
                (block (result i32)
                  (i32.store (i32.const 64) (i32.const 2))
                  (call $datastore_update_bsatn (i32.const 4097) (i32.const 7) (i32.const 110) (i32.const 64)))"""));
        assertArrayEquals(new byte[] {2, 9}, tx.rows.getFirst());
        tx.rows.add(new byte[] {2});
        assertEquals(1, errno(imports, data, """
                (block (result i32)
                  (drop (call $datastore_delete_all_by_eq_bsatn (i32.const 4097) (i32.const 100) (i32.const 5) (i32.const 64)))
                  (i32.load (i32.const 64)))"""));
    }

    /* The rest. */

    @Proves("module-abi.md 5.7")
    @Test
    @Proves("module-abi.md 5.7")
    void sinksAndSourcesThatDoNotExist() {
        assertEquals(8, errno("", "(call $bytes_sink_write (i32.const 2) (i32.const 64) (i32.const 80))"));
        assertEquals(8, errno("", "(call $bytes_sink_write (i32.const 0) (i32.const 64) (i32.const 80))"));
        assertEquals(8, errno(imports("bytes_source_read"),
                "(call $bytes_source_read (i32.const 0) (i32.const 64) (i32.const 80))"));
        assertEquals(8, errno(imports("bytes_source_remaining_length"),
                "(call $bytes_source_remaining_length (i32.const 1) (i32.const 64))"));
    }

    @Test
    void fullSinksTakeNothing() {
        // 33 MiB into a sink of 32 MiB.
        String body = """
                (drop (memory.grow (i32.const 600)))
                (i32.store (i32.const 64) (i32.const 34603008))
                (call $bytes_sink_write (local.get $err) (i32.const 80) (i32.const 64))
                """;
        assertEquals("unknown return code 9", ((Trapped) guests.run(module("", "", body), tx)).message());
    }

    @Proves("module-abi.md 5.8")
    @Test
    @Proves("module-abi.md 5.8")
    void writesTheIdentity() {
        String body = "(call $identity (i32.const 64)) (i32.ne (i32.load (i32.const 88)) (i32.const 0x4444))";
        assertSame(Committed.INSTANCE, guests.run(module(imports("identity"), "", body), tx));
    }

    @Proves("module-abi.md 5.8")
    @Test
    @Proves("module-abi.md 5.8")
    void readsCredentials() {
        String imports = imports("get_jwt", "bytes_source_remaining_length");
        String known = "(block (result i32) (i64.store (i32.const 64) (i64.const 5)) (i64.store (i32.const 72) (i64.const 6))"
                + "(drop (call $get_jwt (i32.const 64) (i32.const 80)))"
                + "(drop (call $bytes_source_remaining_length (i32.load (i32.const 80)) (i32.const 84)))"
                + "(i32.load (i32.const 84)))";
        assertEquals("{\"sub\":\"x\"}".length(), errno(imports, known));
        String unknown = "(block (result i32) (i32.store (i32.const 80) (i32.const -1))"
                + "(drop (call $get_jwt (i32.const 64) (i32.const 80)))"
                + "(i32.load (i32.const 80)))";
        assertEquals(0, errno(imports, unknown));
    }

    @Test
    void readsTheEnvironment() {
        String data = "(data (i32.const 100) \"KEYEMPTYX=Y\")";
        String get = "(block (result i32) (i32.store (i32.const 64) (i32.const -1))"
                + "(local.set $r (call $env_get (i32.const %d) (i32.const %d) (i32.const 64)))"
                + "(i32.add (i32.mul (local.get $r) (i32.const 100)) (i32.load (i32.const 64))))";
        assertEquals(1, errno(imports("env_get"), data, get.formatted(100, 3)));
        assertEquals(1, errno(imports("env_get"), data, get.formatted(103, 5)));
        assertEquals(0, errno(imports("env_get"), data, get.formatted(103, 4)));
        assertEquals(99, errno(imports("env_get"), data, get.formatted(108, 3)));
    }

    @Proves("module-abi.md 5.8")
    @Test
    @Proves("module-abi.md 5.8")
    void schedulesAtOnce() {
        String body = "(call $volatile_nonatomic_schedule_immediate (i32.const 100) (i32.const 4) (i32.const 100) (i32.const 2))"
                + "(i32.const 0)";
        guests.run(module(imports("volatile_nonatomic_schedule_immediate"), "(data (i32.const 100) \"tick\")", body), tx);
        assertEquals(List.of("tick2"), guests.scheduled);
    }

    private static String log(String level, String target, String line, String message) {
        return "(call $console_log (i32.const " + level + ") " + target + " (i32.const 0) (i32.const 5) (i32.const " + line + ") "
                + message + ")";
    }

    @Proves("module-abi.md 5.8")
    @Test
    @Proves("module-abi.md 5.8")
    void logs() {
        guests.withLimits(1 << 20, 10_000, 1 << 20, 8, 6);
        String body = log("0", "(i32.const 100) (i32.const 3)", "12", "(i32.const 103) (i32.const 4)")
                + log("99", "(i32.const 0) (i32.const 0)", "-1", "(i32.const 107) (i32.const 8)")
                + log("1", "(i32.const 0) (i32.const 0)", "-1", "(i32.const 0) (i32.const 8)")
                + log("1", "(i32.const 0) (i32.const 0)", "-1", "(i32.const 100) (i32.const -8)")
                + log("1", "(i32.const -1) (i32.const 7)", "-1", "(i32.const 100) (i32.const 1)")
                + "(i32.const 0)";
        guests.run(module(imports("console_log"), "(data (i32.const 100) \"modhi\\ff!abcd\\c3\\a4\\c3\\a4\")", body), tx);
        assertEquals(2, guests.log.size());
        LogRecord first = guests.log.get(0);
        assertEquals(LogLevel.ERROR, first.level());
        assertEquals(Optional.of("mod"), first.target());
        assertEquals(Optional.empty(), first.filename());
        assertEquals(OptionalInt.of(12), first.line());
        assertEquals(Optional.of("test_reducer"), first.function());
        assertEquals("hi\ufffd!", first.message());
        assertTrue(first.timestampMicros() > 1_000_000_000_000L);
        assertEquals(LogLevel.DEBUG, guests.log.get(1).level());
        assertEquals("abcd\u00e4... (cut)", guests.log.get(1).message());
    }

    @Proves("module-abi.md 5.8")
    @Proves("module-abi.md 6")
    @Test
    @Proves("execution.md 9")
    @Proves("module-abi.md 5.8")
    void panicsAreLoggedWithTheGuestsStack() {
        String body = log("101", "(i32.const 0) (i32.const 0)", "3", "(i32.const 100) (i32.const 4)") + "(call $inner)";
        String others = "(data (i32.const 100) \"help\") (func $inner (result i32) unreachable)";
        assertInstanceOf(Trapped.class, guests.run(module(imports("console_log"), others, body), tx));
        assertEquals(1, guests.log.size());
        LogRecord panic = guests.log.getFirst();
        assertEquals(LogLevel.PANIC, panic.level());
        assertEquals("help", panic.message());
        assertEquals("inner", panic.trace().getFirst().functionName());
        assertEquals(2, panic.trace().size());
    }

    @Test
    void panicWithoutTrapIsLoggedToo() {
        String body = log("101", "(i32.const 0) (i32.const 0)", "3", "(i32.const 100) (i32.const 4)") + "(i32.const 0)";
        assertSame(Committed.INSTANCE, guests.run(module(imports("console_log"), "", body), tx));
        assertEquals(LogLevel.PANIC, guests.log.getFirst().level());
    }

    @Proves("module-abi.md 5.8")
    @Test
    @Proves("module-abi.md 5.8")
    void timers() {
        String imports = imports("console_timer_start", "console_timer_end");
        assertEquals(7, errno(imports, "(call $console_timer_end (i32.const 1))"));
        assertEquals(0, errno(imports, "(data (i32.const 100) \"a\\22b\")",
                "(call $console_timer_end (call $console_timer_start (i32.const 100) (i32.const 3)))"));
        assertEquals("Timing span \"a\\\"b\": 1.5ms", guests.log.getFirst().message());
        assertEquals(LogLevel.INFO, guests.log.getFirst().level());
    }
}
