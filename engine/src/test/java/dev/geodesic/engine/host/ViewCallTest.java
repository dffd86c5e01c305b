package dev.geodesic.engine.host;

import static dev.geodesic.engine.host.Guests.imports;
import static dev.geodesic.engine.host.Guests.withExports;
import static dev.geodesic.engine.host.Guests.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.host.ReducerOutcome.Committed;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.FakeTransaction;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.tx.ReadRecorder;
import dev.geodesic.engine.tx.RecordingTransaction;
import dev.geodesic.testkit.Proves;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls of views. */
@ExtendWith(GuestThread.class)
@Proves("module-abi.md 2.3")
class ViewCallTest {

    private static final String SENDER_VIEW = "(func (export \"__call_view__\") (param $id i32) (param $s0 i64) (param $s1 i64)"
            + " (param $s2 i64) (param $s3 i64) (param $args i32) (param $sink i32) (result i32) ";
    private static final String ANONYMOUS_VIEW =
            "(func (export \"__call_view_anon__\") (param $id i32) (param $args i32) (param $sink i32) (result i32) ";

    private final Guests guests = new Guests();
    private final FakeTransaction tx = new FakeTransaction();

    @AfterEach
    void close() {
        guests.close();
    }

    private static CallContext context(FakeTransaction tx) {
        return CallContext.inTransaction("test_view", tx, c -> Optional.empty());
    }

    private ViewOutcome anonymous(String data, String body) {
        try (ModuleHost host = guests.load(withExports("", data + ANONYMOUS_VIEW + body + ")"))) {
            return host.main().callView(context(tx), 7, Optional.empty());
        }
    }

    private static String returning(int length, int code) {
        return write("(local.get $sink)", 100, length) + "(i32.const " + code + ")";
    }

    private static String data(String bytes) {
        return "(data (i32.const 100) \"" + bytes + "\")";
    }

    @Test
    void rowsOfTheOldForm() {
        ViewOutcome outcome = anonymous(data("\\01\\00\\00\\00\\2a"), returning(5, 0));
        assertArrayEquals(new byte[] {1, 0, 0, 0, 42}, assertInstanceOf(ViewOutcome.Rows.class, outcome).array());
    }

    @Test
    void rowsOfTheCurrentForm() {
        ViewOutcome outcome = anonymous(data("\\00\\01\\00\\00\\00\\2a"), returning(6, 2));
        assertArrayEquals(new byte[] {1, 0, 0, 0, 42}, assertInstanceOf(ViewOutcome.Rows.class, outcome).array());
    }

    @Test
    void sqlInsteadOfRows() {
        String header = "\\01\\08\\00\\00\\00SELECT 1";
        assertEquals(new ViewOutcome.Sql("SELECT 1"), anonymous(data(header), returning(13, 2)));
        assertEquals(new ViewOutcome.Sql(""), anonymous(data("\\01\\00\\00\\00\\00"), returning(5, 2)));
        for (int length : new int[] {0, 1, 4, 12, 14}) {
            ViewOutcome outcome = anonymous(data(header), returning(length, 2));
            String message = assertInstanceOf(ViewOutcome.Trapped.class, outcome).message();
            assertTrue(message.startsWith("the result of the view has a damaged header"), message);
        }
        assertInstanceOf(ViewOutcome.Trapped.class, anonymous(data("\\02\\00\\00\\00\\00"), returning(5, 2)));
        assertInstanceOf(ViewOutcome.Trapped.class, anonymous(data("\\01\\01\\00\\00\\00\\ff"), returning(6, 2)));
    }

    @Test
    void errorsHaveTheirText() {
        assertEquals(new ViewOutcome.Failed("oh no"), anonymous(data("oh no"), returning(5, 1)));
    }

    @ParameterizedTest
    @CsvSource({"3", "-1", "65536"})
    void otherCodesLeaveTheInstanceAlive(int code) {
        try (ModuleHost host = guests.load(withExports("", ANONYMOUS_VIEW + "(i32.const " + code + "))"))) {
            ModuleInstance main = host.main();
            assertEquals("unknown return code " + code, assertInstanceOf(
                    ViewOutcome.Trapped.class, main.callView(context(tx), 0, Optional.empty())).message());
            assertFalse(main.isDead());
        }
    }

    @Test
    @Proves("module-abi.md 2.2")
    void passesWhoAsks() {
        String check = """
                (if (i32.ne (local.get $id) (i32.const 3)) (then unreachable))
                (if (i64.ne (local.get $s0) (i64.const 1)) (then unreachable))
                (if (i64.ne (local.get $s1) (i64.const 2)) (then unreachable))
                (if (i64.ne (local.get $s2) (i64.const 3)) (then unreachable))
                (if (i64.ne (local.get $s3) (i64.const 4)) (then unreachable))
                (if (local.get $args) (then unreachable))
                (if (i32.ne (local.get $sink) (i32.const 1)) (then unreachable))
                (i32.const 0))
                """;
        String anonymous = """
                (if (i32.ne (local.get $id) (i32.const 4)) (then unreachable))
                (if (local.get $args) (then unreachable))
                (if (i32.ne (local.get $sink) (i32.const 1)) (then unreachable))
                (i32.const 0))
                """;
        try (ModuleHost host = guests.load(withExports("", SENDER_VIEW + check + ANONYMOUS_VIEW + anonymous))) {
            for (int i = 0; i < 3; i++) {
                assertInstanceOf(
                        ViewOutcome.Rows.class, host.main().callView(context(tx), 3, Optional.of(Guests.SENDER)));
                assertInstanceOf(ViewOutcome.Rows.class, host.main().callView(context(tx), 4, Optional.empty()));
            }
        }
    }

    @Test
    @Proves("module-abi.md 2")
    void absentExportsFailTheCallOnly() {
        try (ModuleHost host = guests.load(withExports("", ""))) {
            assertEquals(new ViewOutcome.Failed("Module defines view test_view but does not export `__call_view__`"),
                    host.main().callView(context(tx), 0, Optional.of(Guests.SENDER)));
            assertEquals(new ViewOutcome.Failed("Module defines view test_view but does not export `__call_view_anon__`"),
                    host.main().callView(context(tx), 0, Optional.empty()));
            assertSame(Committed.INSTANCE, Guests.call(host, 0, tx));
        }
    }

    @Test
    @Proves("module-abi.md 6")
    void trapsAndLoopsCostTheInstance() {
        guests.withCalls(100, 1_000, 1_000, 1_000);
        String body = "(if (local.get $id) (then (loop $l (br $l)))) unreachable";
        try (ModuleHost host = guests.load(withExports("", ANONYMOUS_VIEW + body + ")"))) {
            assertEquals(TrapKind.UNREACHABLE, assertInstanceOf(
                    ViewOutcome.Trapped.class, host.main().callView(context(tx), 0, Optional.empty())).kind());
            assertInstanceOf(ViewOutcome.TimedOut.class, host.main().callView(context(tx), 1, Optional.empty()));
            assertSame(Committed.INSTANCE, Guests.call(host, 0, tx));
        }
    }

    @Test
    void resultsAreLimited() {
        guests.withCalls(1_000, 1_000, 1_000, 8);
        String body = "(i32.store (i32.const 64) (i32.const %d))"
                + "(i32.add (i32.const 100) (call $bytes_sink_write (local.get $sink) (i32.const 80) (i32.const 64)))";
        assertEquals("unknown return code 100",
                assertInstanceOf(ViewOutcome.Trapped.class, anonymous("", body.formatted(8))).message());
        assertEquals("unknown return code 109",
                assertInstanceOf(ViewOutcome.Trapped.class, anonymous("", body.formatted(9))).message());
    }

    @Test
    @Proves("module-abi.md 5.9")
    void procedureFunctionsInAView() {
        String errnos = imports("procedure_start_mut_tx", "procedure_commit_mut_tx", "procedure_abort_mut_tx");
        String body = """
                (if (i32.ne (call $procedure_start_mut_tx (i32.const 64)) (i32.const 17)) (then unreachable))
                (if (i32.ne (call $procedure_commit_mut_tx) (i32.const 18)) (then unreachable))
                (if (i32.ne (call $procedure_abort_mut_tx) (i32.const 18)) (then unreachable))
                (i32.const 0))
                """;
        try (ModuleHost host = guests.load(withExports(errnos, ANONYMOUS_VIEW + body))) {
            assertInstanceOf(ViewOutcome.Rows.class, host.main().callView(context(tx), 0, Optional.empty()));
        }
        String sleep = "(drop (call $procedure_sleep_until (i64.const 0))) (i32.const 0))";
        try (ModuleHost host = guests.load(withExports(imports("procedure_sleep_until"), ANONYMOUS_VIEW + sleep))) {
            assertEquals("runtime error calling procedure_sleep_until: procedure_sleep_until is only"
                            + " available in async instances",
                    ((ViewOutcome.Trapped) host.main().callView(context(tx), 0, Optional.empty())).message());
        }
    }

    @Test
    @Proves("module-abi.md 5.6")
    void writesTrap() {
        String body = "(drop (call $datastore_clear (i32.const 4097) (i32.const 64))) (i32.const 0))";
        tx.rows.add(new byte[1]);
        try (ModuleHost host = guests.load(withExports(imports("datastore_clear"), ANONYMOUS_VIEW + body))) {
            CallContext reading = CallContext.inTransaction("v", new RecordingTransaction(tx, new ReadRecorder() {
                @Override
                public void wholeTable(int tableId) {
                    throw new AssertionError();
                }

                @Override
                public void point(int indexId, byte[] key) {
                    throw new AssertionError();
                }
            }), c -> Optional.empty());
            assertEquals("runtime error calling datastore_clear: a view cannot write",
                    ((ViewOutcome.Trapped) host.main().callView(reading, 0, Optional.empty())).message());
        }
        assertEquals(1, tx.rows.size());
    }

    @Test
    void instancesAreForOneKindOfCalls() {
        try (ModuleHost host = guests.load(withExports("", ANONYMOUS_VIEW + "(i32.const 0))"));
                ModuleInstance async = host.newAsyncInstance()) {
            assertTrue(async.isAsync());
            assertFalse(host.main().isAsync());
            Assertions.assertThrows(EngineException.class, () -> async.callView(context(tx), 0, Optional.empty()));
        }
    }
}
