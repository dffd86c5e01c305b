package dev.geodesic.engine.host;

import static dev.geodesic.engine.host.Guests.imports;
import static dev.geodesic.engine.host.Guests.module;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.ProcedureHost;
import dev.geodesic.engine.host.http.HttpAnswer;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.testkit.Proves;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Guests that misbehave: their call fails as documented, and the next one finds everything as it was. */
@ExtendWith(GuestThread.class)
@Proves("module-abi.md 6")
class ContainmentTest {

    private static final Limits D = Limits.DEFAULTS;

    private final Guests guests = new Guests();
    private RealTables tables;

    @AfterEach
    void close() {
        if (tables != null) {
            tables.close();
        }
        guests.close();
    }

    private RealTables open(Limits limits) {
        guests.limits = limits;
        tables = new RealTables(limits);
        return tables;
    }

    private static Limits limits(long callMillis, long transactionRows, int handles, long iteratorBytes) {
        return new Limits(16 << 20, callMillis, 1 << 20, transactionRows, D.transactionBytesMax(), handles,
                D.logLineBytesMax(), D.logLinesPerSecondMax(), D.queueMessagesMax(), D.queueBytesMax(), 1 << 20,
                D.moduleBytesMax(), D.subscriptionQueriesMax(), D.queryTablesMax(), D.queryNodesMax(), D.queryTextBytesMax(),
                D.databasesMax(), D.connectionsMax(), new Limits.Calls(10_000, 10_000, 1 << 20, iteratorBytes), D.reads());
    }

    /* Every entry point, every misdeed. */

    private enum Entry {
        REDUCER("__call_reducer__", "(param $id i32) (param i64 i64 i64 i64 i64 i64 i64 i32 i32)"),
        VIEW("__call_view__", "(param $id i32) (param i64 i64 i64 i64 i32 i32)"),
        ANONYMOUS_VIEW("__call_view_anon__", "(param $id i32) (param i32 i32)"),
        PROCEDURE("__call_procedure__", "(param $id i32) (param i64 i64 i64 i64 i64 i64 i64 i32 i32)"),
        HANDLER("__call_http_handler__", "(param $id i32) (param i64 i32 i32 i32 i32)");

        private final String export;
        private final String parameters;
        private final boolean async;

        Entry(String export, String parameters) {
            this.export = export;
            this.parameters = parameters;
            async = export.contains("procedure") || export.contains("http");
        }
    }

    private enum Misdeed {
        ENDLESS_LOOP("(loop $l (br $l))", "TimedOut"),
        ENDLESS_HOST_CALLS("(loop $l (call $identity (i32.const 80)) (br $l))", "TimedOut"),
        RECURSION("(drop (call $rec (i32.const 0)))", "STACK_OVERFLOW"),
        RECURSION_WITH_HOST_CALLS("(drop (call $rechost (i32.const 0)))", "STACK_OVERFLOW"),
        MEMORY_BOMB("(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))", "UNREACHABLE"),
        TABLE_BOMB("(loop $l (br_if $l (i32.ne (table.grow (ref.null func) (i32.const 100000)) (i32.const -1))))",
                "UNREACHABLE"),
        ITERATOR_LEAK("(loop $l (drop (call $datastore_table_scan_bsatn (i32.const 5000) (i32.const 80))) (br $l))",
                "handlesMax"),
        SOURCE_LEAK("(loop $l (drop (call $env_get (i32.const 120) (i32.const 3) (i32.const 80))) (br $l))", "TimedOut"),
        SINK_FLOOD("(loop $l (i32.store (i32.const 64) (i32.const 100000))"
                + " (drop (call $bytes_sink_write (i32.const 1) (i32.const 80) (i32.const 64))) (br $l))", "TimedOut"),
        TIMER_LEAK("(loop $l (drop (call $console_timer_start (i32.const 120) (i32.const 3))) (br $l))", "console timers"),
        SCHEDULE_FLOOD("(loop $l (call $volatile_nonatomic_schedule_immediate (i32.const 120) (i32.const 3) (i32.const 80)"
                + " (i32.const 0)) (br $l))", "handlesMax"),
        SCHEDULED_BYTES("(loop $l (call $volatile_nonatomic_schedule_immediate (i32.const 120) (i32.const 3) (i32.const 80)"
                + " (i32.const 100000)) (br $l))", "messageBytesMax"),
        WILD_LOAD("(drop (i32.load (i32.const -5)))", "MEMORY_OUT_OF_BOUNDS"),
        WILD_POINTER("(call $identity (i32.const -5))", "out of bounds pointer"),
        DIVISION("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "INTEGER_DIVISION_BY_ZERO"),
        PANIC("unreachable", "UNREACHABLE");

        private final String body;
        private final String end;

        Misdeed(String body, String end) {
            this.body = body;
            this.end = end;
        }
    }

    /** Call 0 does nothing, call n the n-th misdeed. */
    private static String wat(Entry entry) {
        String imports = imports("identity", "datastore_table_scan_bsatn", "env_get", "console_timer_start",
                "volatile_nonatomic_schedule_immediate", "procedure_start_mut_tx");
        String others = "(data (i32.const 120) \"KEY\") (table 1 funcref) "
                + "(func $rec (param i32) (result i32) (i32.add (i32.const 1) (call $rec (i32.add (local.get 0) (i32.const 1)))))"
                + "(func $rechost (param i32) (result i32) (call $identity (i32.const 80))"
                + " (i32.add (i32.const 1) (call $rechost (i32.add (local.get 0) (i32.const 1)))))";
        StringBuilder body = new StringBuilder();
        if (entry.async) {
            body.append("(if (local.get $id) (then (drop (call $procedure_start_mut_tx (i32.const 80)))))");
        }
        for (Misdeed misdeed : Misdeed.values()) {
            body.append("(if (i32.eq (local.get $id) (i32.const ").append(misdeed.ordinal() + 1).append(")) (then ")
                    .append(misdeed.body).append(" unreachable))\n");
        }
        body.append("(i32.const 0)");
        String function = "(func (export \"" + entry.export + "\") " + entry.parameters + " (result i32) " + body + ")";
        return entry == Entry.REDUCER
                ? module(imports, others, body.toString())
                : module(imports, others + function, "(i32.const 0)");
    }

    /** Opens transactions of the tables; the last is rolled back. */
    private final class Transactions implements ProcedureHost {

        @Override
        public Begun startTx() {
            return new Begun(tables.tx.begin(), 0);
        }

        @Override
        public void commit() {
            tables.commit();
        }

        @Override
        public void abort() {
            tables.tx.rollback();
        }

        @Override
        public HttpAnswer http(HttpRequest request, byte[] body) {
            return new HttpAnswer.Failed("no");
        }

        @Override
        public long sleepUntil(long micros) {
            return micros;
        }
    }

    /** The outcome: a record whose name and components are its text. */
    private Object call(Entry entry, ModuleInstance instance, int id) {
        var procedure = CallContext.procedure("f", new Transactions(), c -> Optional.empty());
        boolean inTransaction = !instance.isAsync();
        if (inTransaction) {
            tables.tx.begin();
        }
        try {
            var context = inTransaction ? CallContext.inTransaction("f", tables.tx, c -> Optional.empty()) : procedure;
            return switch (entry) {
                case REDUCER -> instance.callReducer(context, id, Guests.SENDER, Guests.CONNECTION, 0, new byte[0]);
                case VIEW -> instance.callView(context, id, Optional.of(Guests.SENDER));
                case ANONYMOUS_VIEW -> instance.callView(context, id, Optional.empty());
                case PROCEDURE -> instance.callProcedure(context, id, Guests.SENDER, Guests.CONNECTION, 0, new byte[0]);
                case HANDLER -> instance.callHttpHandler(context, id, 0, new byte[1], new byte[0]);
            };
        } finally {
            if (inTransaction) {
                tables.tx.rollback();
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theCallFailsAndTheNextOneWorks(Entry entry) {
        Map<Boolean, List<Misdeed>> deeds =
                Arrays.stream(Misdeed.values()).collect(Collectors.partitioningBy(m -> m.end.equals("TimedOut")));
        deeds.forEach((slow, misdeeds) -> {
            try (RealTables opened = open(limits(slow ? 60 : 10_000, 1_000, 300, 1 << 20));
                    ModuleHost host = guests.load(wat(entry))) {
                assertFalse(opened.tx.isOpen());
                misdeeds.forEach(misdeed -> misbehave(host, entry, misdeed));
            }
        });
    }

    private void misbehave(ModuleHost host, Entry entry, Misdeed misdeed) {
        ModuleInstance first = entry.async ? host.newAsyncInstance() : host.main();
        String outcome = call(entry, first, misdeed.ordinal() + 1).toString();
        assertTrue(outcome.contains(misdeed.end), misdeed + ": " + outcome);
        assertTrue(first.isDead());
        assertFalse(tables.tx.isOpen());
        ModuleInstance second = entry.async ? host.newAsyncInstance() : host.main();
        assertNotSame(first, second);
        outcome = call(entry, second, 0).toString();
        assertTrue(outcome.startsWith("Committed") || outcome.startsWith("Rows") || outcome.startsWith("Returned"), outcome);
        if (entry.async) {
            first.close();
            second.close();
        }
    }

    /* While a module is being made ready. */

    private String refused(String wat) {
        EngineException e = assertThrows(EngineException.class, () -> guests.load(wat).close());
        assertEquals(ErrorCode.INVALID_MODULE, e.code(), e.getMessage());
        return e.getMessage();
    }

    @ParameterizedTest
    @Proves("module-abi.md 2.1")
    @CsvSource({
        "'(func (export \"_initialize\") B)', _initialize",
        "'(func (export \"__preinit__x\") B)', __preinit__x",
        "'(func (export \"__setup__\") (param i32) (result i32) B)', __setup__",
        "'(func $s B) (start $s)', start",
    })
    void initialisationThatFailsIsRefused(String declaration, String where) {
        guests.limits = limits(60, 1_000, 300, 1 << 20);
        String[][] bodies = {
            {"unreachable", "unreachable"}, {"(loop $l (br $l)) unreachable", "too long"},
            {"(i32.store (i32.const -5) (i32.const 1)) unreachable", "out of bounds memory access"},
            {"(call $rec) unreachable", "call stack exhausted"}};
        for (String[] body : bodies) {
            String message = refused(module("", "(func $rec (call $rec) (call $rec))" + declaration.replace("B", body[0]),
                    "(i32.const 0)"));
            assertTrue(message.startsWith("wasm trap while calling \"" + where + "\": "), message);
            assertTrue(message.contains(body[1]), message);
        }
        // The same in the description.
        if (where.equals("start")) {
            String sane = module("", "", "(i32.const 0)");
            String message = refused(sane.replace("(i32.store (i32.const 32) (i32.const 5))", "(loop $l (br $l))"));
            assertEquals("error getting module description: the call ran too long or was interrupted", message);
        }
    }

    @Test
    @Proves("module-abi.md 2.1")
    void initialisationHasOneLimitOfTime() {
        guests.limits = limits(400, 1_000, 300, 1 << 20);
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            many.append("(func (export \"__preinit__").append(1_000 + i).append("\") (local $n i32) (loop $l")
                    .append("(local.set $n (i32.add (local.get $n) (i32.const 1)))")
                    .append("(br_if $l (i32.lt_u (local.get $n) (i32.const 20000000)))))\n");
        }
        assertTrue(refused(module("", many.toString(), "(i32.const 0)")).contains("too long"));
    }

    @Test
    @Proves("module-abi.md 2.3")
    void setupThatReturnsRubbish() {
        assertEquals("wasm trap while calling \"__setup__\": unknown return code 7",
                refused(module("", "(func (export \"__setup__\") (param i32) (result i32) (i32.const 7))", "(i32.const 0)")));
    }

    /* Data. */

    private static String insertAll(int count) {
        return """
                (loop $l
                  (i32.store (i32.const 64) (i32.const 5))
                  (i32.store (i32.const 80) (local.get $n))
                  (local.set $n (i32.add (local.get $n) (i32.const 1)))
                  (if (call $datastore_insert_bsatn (i32.const 5000) (i32.const 80) (i32.const 64)) (then unreachable))
                  (br_if $l (i32.lt_u (local.get $n) (i32.const %d))))
                """.formatted(count);
    }

    @Test
    void transactionsOfTooManyRows() {
        open(limits(10_000, 5_000, 300, 1 << 20));
        String body = "(if (local.get $id) (then " + insertAll(5_001) + ")) " + insertAll(1) + "(i32.const 0)";
        try (ModuleHost host = guests.load(module(imports("datastore_insert_bsatn"), "", body))) {
            var trapped = assertInstanceOf(ReducerOutcome.Trapped.class, tables.call(host, 1));
            assertEquals(ErrorCode.LIMIT_EXCEEDED, trapped.code());
            assertTrue(trapped.message().contains("transaction-rows-max"), trapped.message());
            assertEquals(0, tables.committed.writerView().rowCount(5_000));
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, 0));
            assertEquals(1, tables.committed.writerView().rowCount(5_000));
        }
    }

    @Test
    void giantRows() {
        open(limits(10_000, 5_000, 300, 1 << 20));
        // A string of the given length; with its count it is 4 bytes longer.
        String body = """
                (drop (memory.grow (i32.const 40)))
                (i32.store (i32.const 80) (local.get $id))
                (i32.store (i32.const 64) (i32.add (local.get $id) (i32.const 4)))
                (call $datastore_insert_bsatn (i32.const 5002) (i32.const 80) (i32.const 64))
                """;
        try (ModuleHost host = guests.load(module(imports("datastore_insert_bsatn"), "", body))) {
            var trapped = assertInstanceOf(ReducerOutcome.Trapped.class, tables.call(host, (1 << 20) - 3));
            assertEquals(ErrorCode.LIMIT_EXCEEDED, trapped.code());
            assertTrue(trapped.message().contains("rowBytesMax"), trapped.message());
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, (1 << 20) - 4));
        }
    }

    @Test
    void iteratorsThatHoldTooMuch() {
        open(limits(10_000, 5_000, 300, 20_000));
        String range = "(if (call $datastore_index_scan_range_bsatn (i32.const 5101) (i32.const 0) (i32.const 0) (i32.const 0)"
                + " (i32.const 120) (i32.const 1) (i32.const 120) (i32.const 1) (i32.const 84)) (then unreachable))";
        String close = "(drop (call $row_iter_bsatn_close (i32.load (i32.const 84))))";
        // 1,000 rows are 8,000 bytes; 4,000 are more than the limit, but one iterator is always possible.
        String body = "(if (i32.eqz (local.get $id)) (then " + insertAll(1_000) + "))"
                + "(if (i32.eq (local.get $id) (i32.const 9)) (then " + insertAll(4_000) + range + close + range + "))"
                + "(loop $l " + range + "(local.set $r (i32.add (local.get $r) (i32.const 1)))"
                + "(br_if $l (i32.lt_u (local.get $r) (local.get $id)))) (i32.const 0)";
        try (ModuleHost host = guests.load(module(imports(
                "datastore_insert_bsatn", "datastore_index_scan_range_bsatn", "row_iter_bsatn_close"),
                "(data (i32.const 120) \"\\02\")", body))) {
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, 0));
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, 2));
            var trapped = assertInstanceOf(ReducerOutcome.Trapped.class, tables.call(host, 3));
            assertTrue(trapped.message().contains("iteratorBytesMax"), trapped.message());
            assertInstanceOf(ReducerOutcome.Trapped.class, tables.call(host, 9));
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, 2));
        }
    }

    @Test
    void hostFunctionsThatTakeLong() {
        guests.limits = new Limits(512 << 20, 30, 1 << 20, D.transactionRowsMax(), D.transactionBytesMax(), 300,
                D.logLineBytesMax(), D.logLinesPerSecondMax(), D.queueMessagesMax(), D.queueBytesMax(), 1 << 20,
                D.moduleBytesMax(), D.subscriptionQueriesMax(), D.queryTablesMax(), D.queryNodesMax(), D.queryTextBytesMax(),
                D.databasesMax(), D.connectionsMax(), D.calls(), D.reads());
        tables = new RealTables(guests.limits);
        // 60 million rows (0, 0), none of which is there. The guest returns at once, so only the function can notice the time.
        String body = """
                (if (i32.eqz (local.get $id)) (then (return (i32.const 0))))
                (drop (memory.grow (i32.const 5000)))
                (i32.store (i32.const 80) (i32.const 60000000))
                (call $datastore_delete_all_by_eq_bsatn (i32.const 5000) (i32.const 80) (i32.const 300000004) (i32.const 64))
                """;
        try (ModuleHost host = guests.load(module(imports("datastore_delete_all_by_eq_bsatn"), "", body))) {
            assertInstanceOf(ReducerOutcome.TimedOut.class, tables.call(host, 1));
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, 0));
        }
    }

    @Test
    void scansOfATableWithTheTimeUp() {
        open(limits(60, 100_000, 300, 1 << 20));
        String scan = """
                (drop (call $datastore_table_scan_bsatn (i32.const 5000) (i32.const 84)))
                (loop $l
                  (i32.store (i32.const 64) (i32.const 5))
                  (br_if $l (i32.eqz (call $row_iter_bsatn_advance (i32.load (i32.const 84)) (i32.const 90) (i32.const 64)))))
                """;
        String body = "(if (local.get $id) (then (loop $again " + scan + " (br $again)))) (i32.const 0)";
        tables.tx.begin();
        for (int i = 0; i < 50_000; i++) {
            byte[] row = {(byte) i, (byte) (i >> 8), 0, 0, 1};
            tables.tx.insert(5_000, MemorySegment.ofArray(row), 0, row.length);
        }
        tables.commit();
        try (ModuleHost host = guests.load(module(
                imports("datastore_table_scan_bsatn", "row_iter_bsatn_advance"), "", body))) {
            long start = System.nanoTime();
            assertInstanceOf(ReducerOutcome.TimedOut.class, tables.call(host, 1));
            assertTrue(System.nanoTime() - start < 5_000_000_000L);
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, 0));
        }
    }

    @ParameterizedTest
    @Proves("module-abi.md 5.6")
    @CsvSource({
        "'(call $datastore_insert_bsatn (i32.const 8) (i32.const 80) (i32.const 64))'",
        "'(call $datastore_update_bsatn (i32.const 8) (i32.const 9) (i32.const 80) (i32.const 64))'",
        "'(call $datastore_clear (i32.const 1) (i32.const 80))'",
        "'(call $datastore_delete_all_by_eq_bsatn (i32.const 1) (i32.const 80) (i32.const 4) (i32.const 64))'",
        "'(call $datastore_delete_by_index_scan_point_bsatn (i32.const 1) (i32.const 80) (i32.const 4) (i32.const 64))'",
        "'(call $datastore_delete_by_index_scan_range_bsatn (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)"
                + " (i32.const 120) (i32.const 1) (i32.const 120) (i32.const 1) (i32.const 64))'",
    })
    void theCatalogueIsReadOnly(String call) {
        open(D);
        String imports = imports("datastore_insert_bsatn", "datastore_update_bsatn", "datastore_clear",
                "datastore_delete_all_by_eq_bsatn", "datastore_delete_by_index_scan_point_bsatn",
                "datastore_delete_by_index_scan_range_bsatn", "datastore_table_row_count");
        String body = "(if (local.get $id) (then (return " + call + ")))"
                + "(call $datastore_table_row_count (i32.const 1) (i32.const 80))";
        long before = tables.committed.writerView().rowCount(1);
        try (ModuleHost host = guests.load(module(imports, "(data (i32.const 120) \"\\02\")", body))) {
            var trapped = assertInstanceOf(ReducerOutcome.Trapped.class, tables.call(host, 1));
            assertEquals(TrapKind.HOST, trapped.kind());
            assertTrue(trapped.message().endsWith("system tables cannot be written by modules"), trapped.message());
            assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(host, 0));
        }
        assertEquals(before, tables.committed.writerView().rowCount(1));
    }

    @Test
    @Proves("execution.md 6.1")
    void rowsOfViewsAreReadOnly() {
        open(D);
        String body = "(i32.store (i32.const 64) (i32.const 32))"
                + "(call $datastore_insert_bsatn (i32.const 5003) (i32.const 80) (i32.const 64))";
        try (ModuleHost host = guests.load(module(imports("datastore_insert_bsatn"), "", body))) {
            assertEquals("runtime error calling datastore_insert_bsatn: the rows of views cannot be written by modules",
                    assertInstanceOf(ReducerOutcome.Trapped.class, tables.call(host, 1)).message());
        }
    }

    @Test
    void neighboursDoNotNotice() throws InterruptedException {
        open(limits(300, 1_000, 300, 1 << 20));
        String body = "(if (local.get $id) (then (loop $l (br $l)))) (i32.const 0)";
        try (ModuleHost bad = guests.load(module("", "", body)); ModuleHost good = guests.load(module("", "", body))) {
            boolean[] timedOut = new boolean[1];
            Thread other = new Thread(null, () -> timedOut[0] = bad.main().callReducer(CallContext.outsideTransaction("x"), 1,
                    Guests.SENDER, Guests.CONNECTION, 0, new byte[0]) instanceof ReducerOutcome.TimedOut, "bad", 16 << 20);
            other.start();
            int calls = 0;
            while (other.isAlive()) {
                assertSame(ReducerOutcome.Committed.INSTANCE, tables.call(good, 0));
                calls++;
            }
            other.join();
            assertTrue(timedOut[0]);
            assertTrue(calls > 10, "calls " + calls);
        }
    }
}
