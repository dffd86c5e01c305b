package dev.geodesic.engine.host;

import static dev.geodesic.engine.host.Guests.imports;
import static dev.geodesic.engine.host.Guests.procedure;
import static dev.geodesic.engine.host.Guests.withExports;
import static dev.geodesic.engine.host.Guests.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.FakeTransaction;
import dev.geodesic.engine.host.abi.LogLevel;
import dev.geodesic.engine.host.abi.LogRecord;
import dev.geodesic.engine.host.abi.ProcedureHost;
import dev.geodesic.engine.host.http.HttpAnswer;
import dev.geodesic.engine.host.http.HttpHeader;
import dev.geodesic.engine.host.http.HttpMethod;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.http.HttpResponse;
import dev.geodesic.engine.host.http.HttpVersion;
import dev.geodesic.testkit.Proves;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Procedures and handlers, and the functions that only they may call. */
@ExtendWith(GuestThread.class)
@Proves("module-abi.md 5.9")
class ProcedureCallTest {

    private static final long BEGUN = 1_234_567_890_123_456L;
    private static final String TX = imports("procedure_start_mut_tx", "procedure_commit_mut_tx", "procedure_abort_mut_tx");
    private static final String START = "(call $procedure_start_mut_tx (i32.const 64))";
    private static final String COMMIT = "(call $procedure_commit_mut_tx)";
    private static final String ABORT = "(call $procedure_abort_mut_tx)";
    private static final String COUNT = "(call $datastore_table_row_count (i32.const 4097) (i32.const 80))";

    private final Guests guests = new Guests();
    private final FakeTransaction tx = new FakeTransaction();
    private final FakeHost host = new FakeHost();

    /** Notes what it is asked. */
    private final class FakeHost implements ProcedureHost {
        private final List<String> asked = new ArrayList<>();
        private BiFunction<HttpRequest, byte[], HttpAnswer> http = (r, b) -> new HttpAnswer.Failed("no net");
        private long blocksMillis;
        private RuntimeException failure;

        private void note(String what) {
            asked.add(what);
            try {
                Thread.sleep(blocksMillis);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public Begun startTx() {
            note("start");
            return new Begun(tx, BEGUN);
        }

        @Override
        public void commit() {
            note("commit");
        }

        @Override
        public void abort() {
            note("abort");
        }

        @Override
        public HttpAnswer http(HttpRequest request, byte[] body) {
            note("http");
            return http.apply(request, body);
        }

        @Override
        public long sleepUntil(long micros) {
            note("sleep " + micros);
            return micros + 5;
        }
    }

    @AfterEach
    void close() {
        guests.close();
    }

    private ProcedureOutcome call(ModuleInstance instance, byte... arguments) {
        return instance.callProcedure(CallContext.procedure("test_procedure", host, c -> Optional.of("{}")),
                7, Guests.SENDER, Guests.CONNECTION, Guests.TIMESTAMP, arguments);
    }

    private ProcedureOutcome run(String imports, String data, String body, byte... arguments) {
        try (ModuleHost module = guests.load(withExports(imports, data + procedure(body)));
                ModuleInstance instance = module.newAsyncInstance()) {
            return call(instance, arguments);
        }
    }

    /** Checks every expression's result, and whether the procedure then returns. */
    private void expect(String imports, Object... expressionsAndResults) {
        StringBuilder body = new StringBuilder();
        for (int i = 0; i < expressionsAndResults.length; i += 2) {
            body.append("(if (i32.ne ").append(expressionsAndResults[i]).append(" (i32.const ")
                    .append(expressionsAndResults[i + 1]).append(")) (then (return (i32.const ").append(i / 2 + 1)
                    .append("))))");
        }
        ProcedureOutcome outcome = run(imports, "", body + "(i32.const 0)");
        if (outcome instanceof ProcedureOutcome.Trapped trapped) {
            throw new AssertionError("code is the number of the expression: " + trapped.message());
        }
        assertInstanceOf(ProcedureOutcome.Returned.class, outcome);
    }

    private String trap(String imports, String body) {
        return assertInstanceOf(ProcedureOutcome.Trapped.class, run(imports, "", body)).message();
    }

    @Test
    @Proves("module-abi.md 2.2")
    @Proves("module-abi.md 2.3")
    void passesArgumentsAndReturnsTheValue() {
        String body = """
                (if (i32.ne (local.get $id) (i32.const 7)) (then unreachable))
                (if (i64.ne (local.get $s0) (i64.const 1)) (then unreachable))
                (if (i64.ne (local.get $s3) (i64.const 4)) (then unreachable))
                (if (i64.ne (local.get $c0) (i64.const 5)) (then unreachable))
                (if (i64.ne (local.get $c1) (i64.const 6)) (then unreachable))
                (if (i64.ne (local.get $ts) (i64.const 1700000000000000)) (then unreachable))
                (i32.store (i32.const 64) (i32.const 9))
                (drop (call $bytes_source_read (local.get $args) (i32.const 80) (i32.const 64)))
                (drop (call $bytes_sink_write (local.get $err) (i32.const 80) (i32.const 64)))
                (i32.const 0)
                """;
        ProcedureOutcome outcome = run(imports("bytes_source_read"), "", body, (byte) 8, (byte) 9);
        assertArrayEquals(new byte[] {8, 9}, assertInstanceOf(ProcedureOutcome.Returned.class, outcome).value());
    }

    @Test
    @Proves("module-abi.md 2.3")
    void otherCodesEndTheInstance() {
        try (ModuleHost module = guests.load(withExports("", procedure("(i32.const 1)")));
                ModuleInstance instance = module.newAsyncInstance()) {
            assertEquals("`__call_procedure__` returned unexpected code 1. Procedures should return code 0 or trap.",
                    assertInstanceOf(ProcedureOutcome.Trapped.class, call(instance)).message());
            assertTrue(instance.isDead());
        }
    }

    @Test
    @Proves("module-abi.md 2")
    void absentExportsFailTheCallOnly() {
        try (ModuleHost module = guests.load(withExports("", ""));
                ModuleInstance instance = module.newAsyncInstance()) {
            assertEquals("Module defines procedure test_procedure but does not export `__call_procedure__`",
                    ((ProcedureOutcome.Trapped) call(instance)).message());
            HandlerOutcome handler = instance.callHttpHandler(
                    CallContext.procedure("h", host, c -> Optional.empty()), 0, 0, new byte[1], new byte[0]);
            assertEquals("Module defines HTTP handler h but does not export `__call_http_handler__`",
                    ((HandlerOutcome.Trapped) handler).message());
        }
    }

    /* Transactions. */

    @Test
    void transactionsFollowOneAnother() {
        tx.rows.add(new byte[] {1});
        expect(TX + imports("datastore_table_row_count"),
                COUNT, 2, COMMIT, 18, ABORT, 18, START, 0, COUNT, 0, START, 17, COMMIT, 0,
                COUNT, 2, COMMIT, 18, ABORT, 18, START, 0, COUNT, 0, ABORT, 0, ABORT, 18);
        assertEquals(List.of("start", "commit", "start", "abort"), host.asked);
        assertTrue(guests.log.isEmpty());
    }

    @Test
    void tellsWhenTheTransactionBegan() {
        ProcedureOutcome outcome = run(TX, "", "(drop " + START + ") (drop " + COMMIT + ")"
                + write("(local.get $err)", 64, 8) + "(i32.const 0)");
        byte[] value = ((ProcedureOutcome.Returned) outcome).value();
        long micros = 0;
        for (int i = 7; i >= 0; i--) {
            micros = micros << 8 | value[i] & 0xff;
        }
        assertEquals(BEGUN, micros);
    }

    @Test
    @Proves("module-abi.md 5.10")
    void credentialsNeedATransaction() {
        String imports = TX + imports("get_jwt", "env_get");
        String jwt = "(call $get_jwt (i32.const 64) (i32.const 80))";
        expect(imports, jwt, 2, START, 0, jwt, 0, COMMIT, 0, jwt, 2);
    }

    @Test
    void iteratorsEndWithTheTransaction() {
        tx.rows.add(new byte[] {1});
        expect(TX + imports("datastore_table_scan_bsatn", "row_iter_bsatn_advance", "row_iter_bsatn_close"), START, 0,
                "(call $datastore_table_scan_bsatn (i32.const 4097) (i32.const 80))", 0, COMMIT, 0,
                "(call $row_iter_bsatn_advance (i32.load (i32.const 80)) (i32.const 90) (i32.const 84))", 6,
                "(call $row_iter_bsatn_close (i32.load (i32.const 80)))", 6);
    }

    private void assertDangling() {
        assertEquals(List.of("start", "abort"), host.asked);
        LogRecord line = guests.log.getLast();
        assertEquals("aborting dangling anonymous transaction in procedure test_procedure", line.message());
        assertEquals(LogLevel.ERROR, line.level());
        assertEquals(Optional.of("__spacetimedb__"), line.target());
        assertEquals(Optional.of("__spacetimedb__"), line.filename());
        assertEquals(OptionalInt.empty(), line.line());
        assertEquals(Optional.of("test_procedure"), line.function());
    }

    @ParameterizedTest
    @CsvSource({"(i32.const 0)", "unreachable", "(i32.const 3)", "(loop $l (br $l)) (i32.const 0)"})
    void transactionsLeftOpenAreRolledBack(String end) {
        guests.withCalls(100, 1_000, 1_000, 1_000);
        run(TX, "", "(drop " + START + ")" + end);
        assertDangling();
    }

    @Test
    void failingCommitsTrapAndLeaveNoTransaction() {
        String body = "(drop " + START + ") (drop " + COMMIT + ") (i32.const 0)";
        try (ModuleHost module = guests.load(withExports(TX, procedure(body)));
                ModuleInstance instance = module.newAsyncInstance()) {
            host.failure = new EngineException(ErrorCode.GUEST_TRAP, "a view failed");
            assertEquals("runtime error calling procedure_start_mut_tx: a view failed",
                    ((ProcedureOutcome.Trapped) call(instance)).message());
        }
        assertEquals(List.of("start"), host.asked);
        assertTrue(guests.log.isEmpty());
        host.asked.clear();
        host.failure = null;
        FakeHost failing = host;
        try (ModuleHost module = guests.load(withExports(TX, procedure(body)));
                ModuleInstance instance = module.newAsyncInstance()) {
            ProcedureHost outer = new ProcedureHost() {
                @Override
                public Begun startTx() {
                    return failing.startTx();
                }

                @Override
                public void commit() {
                    failing.note("commit");
                    throw new EngineException(ErrorCode.GUEST_TRAP, "a view failed");
                }

                @Override
                public void abort() {
                    failing.abort();
                }

                @Override
                public HttpAnswer http(HttpRequest request, byte[] requestBody) {
                    return failing.http(request, requestBody);
                }

                @Override
                public long sleepUntil(long micros) {
                    return failing.sleepUntil(micros);
                }
            };
            ProcedureOutcome outcome = instance.callProcedure(CallContext.procedure("p", outer, c -> Optional.empty()),
                    0, Guests.SENDER, Guests.CONNECTION, 0, new byte[0]);
            assertEquals("runtime error calling procedure_commit_mut_tx: a view failed",
                    ((ProcedureOutcome.Trapped) outcome).message());
        }
        assertEquals(List.of("start", "commit"), host.asked);
        assertTrue(guests.log.isEmpty());
    }

    @Test
    void bugsOfTheHostReachTheCaller() {
        host.failure = new EngineException(ErrorCode.INTERNAL, "a bug");
        assertThrows(EngineException.class, () -> run(TX, "", START));
    }

    /* Sleep. */

    @Test
    void sleepsUntilATime() {
        // The clock of the tests shows 1,000,000 seconds and a little.
        String sleeps = "(i64.store (i32.const 64) (call $procedure_sleep_until (i64.const 1000000500000)))"
                + write("(local.get $err)", 64, 8) + "(i32.const 0)";
        byte[] value = ((ProcedureOutcome.Returned) run(imports("procedure_sleep_until"), "", sleeps)).value();
        assertEquals(List.of("sleep 1000000500000"), host.asked);
        assertEquals((byte) (1_000_000_500_005L & 0xff), value[0]);
    }

    @ParameterizedTest
    @CsvSource({"-1", "0", "1000000000000", "-9223372036854775808"})
    void pastTimesDoNotSleep(long micros) {
        String body = "(local.set $t (call $procedure_sleep_until (i64.const " + micros + ")))"
                + "(i64.ne (local.get $t) (i64.const 1000000001500))";
        assertInstanceOf(ProcedureOutcome.Returned.class, run(imports("procedure_sleep_until"), "", body));
        assertTrue(host.asked.isEmpty());
    }

    @Test
    @Proves("module-abi.md 5.10")
    void neitherSleepNorHttpInATransaction() {
        assertEquals("runtime error calling procedure_sleep_until: a procedure cannot sleep while it holds a transaction open",
                trap(TX + imports("procedure_sleep_until"),
                        "(drop " + START + ") (drop (call $procedure_sleep_until (i64.const 0))) (i32.const 0)"));
        assertDangling();
        expect(TX + imports("procedure_http_request"), START, 0, http(0, 0, 0, 0), 17, ABORT, 0);
    }

    @ParameterizedTest
    @CsvSource({"1000000700000", "9223372036854775807"})
    void longSleepsEndWithTheProcedure(long micros) {
        guests.withCalls(1_000, 300, 1_000, 1_000);
        String body = "(drop (call $procedure_sleep_until (i64.const " + micros + "))) (i32.const 0)";
        assertInstanceOf(ProcedureOutcome.TimedOut.class, run(imports("procedure_sleep_until"), "", body));
        long until = Long.parseLong(host.asked.getFirst().substring("sleep ".length()));
        assertTrue(until > 1_000_000_000_000L && until <= 1_000_000_310_000L, host.asked::toString);
    }

    /* Time. */

    @Test
    @Proves("module-abi.md 6")
    void waitingIsNotTheGuestsTime() {
        guests.withCalls(150, 60_000, 150, 1_000);
        host.blocksMillis = 60;
        String sleep = "(drop (call $procedure_sleep_until (i64.const 1000000500000)))";
        // 300 ms of sleep with a limit of 150 ms on computing.
        assertInstanceOf(ProcedureOutcome.Returned.class,
                run(imports("procedure_sleep_until"), "", sleep.repeat(5) + "(i32.const 0)"));
        assertInstanceOf(ProcedureOutcome.TimedOut.class,
                run(imports("procedure_sleep_until"), "", sleep.repeat(2) + "(loop $l (br $l)) (i32.const 0)"));
    }

    @Test
    @Proves("module-abi.md 6")
    void allProceduresEnd() {
        guests.withCalls(60_000, 200, 60_000, 1_000);
        host.blocksMillis = 50;
        String sleep = "(loop $l (drop (call $procedure_sleep_until (i64.const 1000000005000))) (br $l)) (i32.const 0)";
        long start = System.nanoTime();
        assertInstanceOf(ProcedureOutcome.TimedOut.class, run(imports("procedure_sleep_until"), "", sleep));
        assertTrue(System.nanoTime() - start < 10_000_000_000L);
    }

    @Test
    @Proves("module-abi.md 6")
    void transactionsHaveATimeOfTheirOwn() {
        guests.withCalls(60_000, 60_000, 100, 1_000);
        String spin = "(local.set $n (i32.const 0)) (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))"
                + "(call $identity (i32.const 80)) (br_if $l (i32.lt_u (local.get $n) (i32.const %d))))";
        assertInstanceOf(ProcedureOutcome.TimedOut.class,
                run(TX + imports("identity"), "", "(drop " + START + ")" + spin.formatted(-1) + "(i32.const 0)"));
        assertDangling();
        // After the transaction it does not count any more.
        host.asked.clear();
        assertInstanceOf(ProcedureOutcome.Returned.class, run(TX + imports("procedure_sleep_until"), "",
                "(drop " + START + ") (drop " + COMMIT + ")"
                        + "(loop $l (br_if $l (i64.lt_u (call $procedure_sleep_until (i64.const 0)) (i64.const 1000060000000))))"
                        + "(i32.const 0)"));
    }

    /* HTTP. */

    private static String http(int from, int length, int bodyFrom, int bodyLength) {
        return "(call $procedure_http_request (i32.const " + (100 + from) + ") (i32.const " + length + ") (i32.const "
                + (100 + bodyFrom) + ") (i32.const " + bodyLength + ") (i32.const 64))";
    }

    private static String data(byte[] bytes) {
        StringBuilder text = new StringBuilder("(data (i32.const 100) \"");
        for (byte b : bytes) {
            text.append(String.format("\\%02x", b));
        }
        return text.append("\")").toString();
    }

    private static final HttpRequest REQUEST = new HttpRequest(new HttpMethod("POST"),
            List.of(new HttpHeader("a", new byte[] {1})), OptionalLong.empty(), "http://x/?y", HttpVersion.HTTP_1_1);

    private HttpRequest sent(HttpRequest request) {
        List<HttpRequest> seen = new ArrayList<>();
        host.http = (r, b) -> {
            seen.add(r);
            return new HttpAnswer.Failed("secret");
        };
        byte[] bytes = request.encode();
        String body = "(i32.ne " + http(0, bytes.length, 0, 0) + " (i32.const 21))";
        assertInstanceOf(ProcedureOutcome.Returned.class, run(imports("procedure_http_request"), data(bytes), body));
        return seen.getFirst();
    }

    @Test
    void sendsRequestsAndReadsResponses() {
        HttpResponse response = new HttpResponse(List.of(), HttpVersion.HTTP_2, 404);
        List<byte[]> bodies = new ArrayList<>();
        host.http = (r, b) -> {
            bodies.add(b);
            return new HttpAnswer.Received(response, new byte[] {9, 8});
        };
        byte[] bytes = REQUEST.encode();
        String read = """
                (i32.store (i32.const 80) (i32.const 100))
                (drop (call $bytes_source_read (i32.load (i32.const %d)) (i32.const 1000) (i32.const 80)))
                (drop (call $bytes_sink_write (local.get $err) (i32.const 1000) (i32.const 80)))
                """;
        String body = "(if " + http(0, bytes.length, 0, 2) + " (then unreachable))" + read.formatted(64) + read.formatted(68)
                + "(i32.const 0)";
        ProcedureOutcome outcome = run(imports("procedure_http_request", "bytes_source_read"), data(bytes), body);
        byte[] value = assertInstanceOf(ProcedureOutcome.Returned.class, outcome).value();
        byte[] encoded = response.encode();
        assertEquals(encoded.length + 2, value.length);
        assertArrayEquals(encoded, Arrays.copyOf(value, encoded.length));
        assertEquals(9, value[value.length - 2]);
        assertArrayEquals(Arrays.copyOf(bytes, 2), bodies.getFirst());
    }

    @Test
    void emptyBodiesAreHandleZero() {
        host.http = (r, b) -> new HttpAnswer.Received(new HttpResponse(List.of(), HttpVersion.HTTP_1_1, 200), new byte[0]);
        byte[] bytes = REQUEST.encode();
        String body = "(i32.store (i32.const 68) (i32.const -1)) (i32.or " + http(0, bytes.length, 0, 0)
                + " (i32.load (i32.const 68)))";
        assertInstanceOf(ProcedureOutcome.Returned.class, run(imports("procedure_http_request"), data(bytes), body));
    }

    @Test
    void failuresAreErrno21WithAText() {
        byte[] bytes = REQUEST.encode();
        String body = "(i32.store (i32.const 68) (i32.const -1))"
                + "(if (i32.ne " + http(0, bytes.length, 0, 0) + " (i32.const 21)) (then unreachable))"
                + "(if (i32.ne (i32.load (i32.const 68)) (i32.const -1)) (then unreachable))"
                + "(i32.store (i32.const 80) (i32.const 100))"
                + "(drop (call $bytes_source_read (i32.load (i32.const 64)) (i32.const 1000) (i32.const 80)))"
                + "(drop (call $bytes_sink_write (local.get $err) (i32.const 1000) (i32.const 80))) (i32.const 0)";
        ProcedureOutcome outcome = run(imports("procedure_http_request", "bytes_source_read"), data(bytes), body);
        assertArrayEquals(new byte[] {6, 0, 0, 0, 'n', 'o', ' ', 'n', 'e', 't'},
                assertInstanceOf(ProcedureOutcome.Returned.class, outcome).value());
    }

    @Test
    void timeoutsAreBounded() {
        HttpRequest sent = sent(REQUEST);
        assertEquals(OptionalLong.of(30_000_000), sent.timeoutMicros());
        assertEquals("POST", sent.method().name());
        assertEquals("http://x/?y", sent.uri());
        assertEquals("a", sent.headers().getFirst().name());
        assertArrayEquals(new byte[] {1}, sent.headers().getFirst().value());
        assertEquals(HttpVersion.HTTP_1_1, sent.version());
        long[][] cases = {{5, 5}, {-1, 0}, {Long.MAX_VALUE, 180_000_000}, {Long.MIN_VALUE, 0}};
        for (long[] one : cases) {
            assertEquals(OptionalLong.of(one[1]), sent(new HttpRequest(
                    REQUEST.method(), List.of(), OptionalLong.of(one[0]), "u", HttpVersion.HTTP_3)).timeoutMicros());
        }
        guests.withCalls(1_000, 5_000, 1_000, 1_000);
        assertTrue(sent(REQUEST).timeoutMicros().getAsLong() <= 5_000_000);
    }

    @Test
    void damagedRequestsAreErrno3() {
        byte[] bytes = REQUEST.encode();
        StringBuilder body = new StringBuilder();
        for (int length = 0; length <= bytes.length + 1; length++) {
            int errno = length == bytes.length ? 21 : 3;
            body.append("(if (i32.ne ").append(http(0, length, 0, 0)).append("(i32.const ").append(errno)
                    .append(")) (then (return (i32.const ").append(length + 1).append("))))");
        }
        ProcedureOutcome outcome = run(imports("procedure_http_request"), data(bytes), body + "(i32.const 0)");
        assertInstanceOf(ProcedureOutcome.Returned.class, outcome, outcome::toString);
        assertEquals(List.of("http"), host.asked);
    }

    @Test
    @Proves("module-abi.md 5.1")
    void badPointersTrapBeforeAnythingIsDone() {
        for (String call : List.of(
                "(call $procedure_http_request (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 0) (i32.const 64))",
                "(call $procedure_http_request (i32.const 64) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))",
                "(call $procedure_http_request (i32.const 64) (i32.const 0) (i32.const 64) (i32.const 0) (i32.const 131065))",
                "(call $procedure_http_request (i32.const 64) (i32.const -1) (i32.const 64) (i32.const 0) (i32.const 64))",
                "(call $procedure_start_mut_tx (i32.const 0))",
                "(call $procedure_start_mut_tx (i32.const 131065))")) {
            String message = trap(TX + imports("procedure_http_request"), call);
            assertTrue(message.contains("pointer passed to a spacetime function"), message);
        }
        assertTrue(host.asked.isEmpty());
    }

    /* Handlers. */

    private static String handler(String body) {
        return "(func (export \"__call_http_handler__\") (param $id i32) (param $ts i64) (param $req i32) (param $body i32)"
                + " (param $resp i32) (param $respBody i32) (result i32)" + body + ")";
    }

    private HandlerOutcome handle(ModuleInstance instance, byte[] request, byte[] body) {
        return instance.callHttpHandler(
                CallContext.procedure("test_handler", host, c -> Optional.empty()), 7, Guests.TIMESTAMP, request, body);
    }

    @Test
    @Proves("module-abi.md 2.3")
    void handlersHaveTwoSourcesAndTwoSinks() {
        String copy = """
                (i32.store (i32.const 64) (i32.const 9))
                (drop (call $bytes_source_read (local.get $%s) (i32.const 80) (i32.const 64)))
                (drop (call $bytes_sink_write (local.get $%s) (i32.const 80) (i32.const 64)))
                """;
        String body = "(if (i32.ne (local.get $id) (i32.const 7)) (then unreachable))"
                + "(if (i64.ne (local.get $ts) (i64.const 1700000000000000)) (then unreachable))"
                + copy.formatted("req", "respBody") + copy.formatted("body", "resp") + "(i32.const 0)";
        try (ModuleHost module = guests.load(withExports(imports("bytes_source_read"), handler(body)));
                ModuleInstance instance = module.newAsyncInstance()) {
            for (int i = 0; i < 3; i++) {
                HandlerOutcome.Returned returned =
                        (HandlerOutcome.Returned) handle(instance, new byte[] {1, 2}, new byte[] {3, 4, 5});
                assertArrayEquals(new byte[] {3, 4, 5}, returned.response());
                assertArrayEquals(new byte[] {1, 2}, returned.body());
            }
        }
    }

    @Test
    @Proves("module-abi.md 3")
    void emptyRequestBodiesAreHandleZero() {
        try (ModuleHost module = guests.load(withExports("", handler("(local.get $body)")));
                ModuleInstance instance = module.newAsyncInstance()) {
            assertInstanceOf(HandlerOutcome.Returned.class, handle(instance, new byte[1], new byte[0]));
            assertEquals("`__call_http_handler__` returned unexpected code 2. HTTP handlers should return code 0 or trap.",
                    ((HandlerOutcome.Trapped) handle(instance, new byte[1], new byte[1])).message());
            assertTrue(instance.isDead());
        }
    }

    @Test
    @Proves("module-abi.md 6")
    void handlersTrapAndTimeOut() {
        guests.withCalls(100, 1_000, 1_000, 1_000);
        try (ModuleHost module = guests.load(withExports(TX, handler("(drop " + START + ")"
                        + "(if (local.get $body) (then (loop $l (br $l)))) unreachable")));
                ModuleInstance first = module.newAsyncInstance();
                ModuleInstance second = module.newAsyncInstance()) {
            assertInstanceOf(HandlerOutcome.Trapped.class, handle(first, new byte[1], new byte[0]));
            assertInstanceOf(HandlerOutcome.TimedOut.class, handle(second, new byte[1], new byte[1]));
        }
        assertEquals(List.of("start", "abort", "start", "abort"), host.asked);
        assertEquals("aborting dangling anonymous transaction in procedure test_handler", guests.log.getLast().message());
    }
}
