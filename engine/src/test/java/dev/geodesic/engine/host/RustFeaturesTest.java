package dev.geodesic.engine.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.LogLevel;
import dev.geodesic.engine.host.abi.ProcedureHost;
import dev.geodesic.engine.host.http.HttpAnswer;
import dev.geodesic.engine.host.http.HttpHeader;
import dev.geodesic.engine.host.http.HttpMethod;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.http.HttpResponse;
import dev.geodesic.engine.host.http.HttpVersion;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadRecorder;
import dev.geodesic.engine.tx.RecordingTransaction;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Modules of five generations of the published crates, which check the imports from the inside. */
@ExtendWith(GuestThread.class)
@Proves("module-abi.md 7")
class RustFeaturesTest implements ProcedureHost {

    private static final Path MODULES =
            Path.of(System.getProperty("user.dir")).resolveSibling("samples").resolve("modules");
    private static final long NOW = 1_700_000_000_000_000L;

    private final Guests guests = new Guests();
    private final CommittedState committed = new CommittedState(new HeapStores());
    private final Catalog catalog = Catalog.bootstrap(committed);
    private final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
    private final List<String> reads = new ArrayList<>();
    private final List<HttpRequest> requests = new ArrayList<>();
    private HttpAnswer answer = new HttpAnswer.Failed("no net");
    private ModuleHost host;
    private ModuleInstance async;
    private ModuleDef definition;

    @AfterEach
    void close() {
        if (host != null) {
            async.close();
            host.close();
        }
        guests.close();
        committed.close();
    }

    private void load(String crate) {
        guests.clockStart = Instant.ofEpochSecond(NOW / 1_000_000);
        try {
            host = guests.load(Files.readAllBytes(
                    MODULES.resolve("features-" + crate).resolve("features_" + crate.replace('.', '_') + ".wasm")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        async = host.newAsyncInstance();
        definition = ModuleDef.decode(host.describe().bytes());
        tx.begin();
        for (TableDef table : definition.tables()) {
            catalog.createTable(tx, table.toSchema(catalog));
        }
        commit();
    }

    /* The host of procedures. */

    @Override
    public Begun startTx() {
        return new Begun(tx.begin(), NOW);
    }

    @Override
    public void commit() {
        committed.apply(tx.finish());
        tx.end();
    }

    @Override
    public void abort() {
        tx.rollback();
    }

    @Override
    public HttpAnswer http(HttpRequest request, byte[] body) {
        requests.add(request);
        return answer;
    }

    @Override
    public long sleepUntil(long micros) {
        return micros;
    }

    /* Calls. */

    private ReducerOutcome reducer(String name, Consumer<BsatnWriter> arguments) {
        BsatnWriter writer = new BsatnWriter();
        arguments.accept(writer);
        tx.begin();
        ReducerOutcome outcome = Guests.call(host, definition.reducer(name).orElseThrow().id(), tx, writer.toByteArray());
        if (outcome instanceof ReducerOutcome.Committed) {
            commit();
        } else {
            tx.rollback();
        }
        return outcome;
    }

    private void item(int id, int kind, int weight) {
        assertSame(ReducerOutcome.Committed.INSTANCE, reducer("put_item", w -> {
            w.writeU32(id);
            w.writeU32(kind);
            w.writeU32(weight);
            w.writeString("item " + id);
        }));
    }

    private long count(String table) {
        return committed.writerView().rowCount(committed.writerView().tableByName(table).orElseThrow().tableId());
    }

    private ProcedureOutcome procedure(String name, Consumer<BsatnWriter> arguments) {
        if (async.isDead()) {
            async.close();
            async = host.newAsyncInstance();
        }
        BsatnWriter writer = new BsatnWriter();
        arguments.accept(writer);
        ProcedureDef procedure =
                definition.procedures().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
        return async.callProcedure(CallContext.procedure(name, this, c -> Optional.of("{}")), procedure.id(),
                Guests.SENDER, Guests.CONNECTION, NOW, writer.toByteArray());
    }

    private BsatnReader returned(String name, Consumer<BsatnWriter> arguments) {
        ProcedureOutcome outcome = procedure(name, arguments);
        return new BsatnReader(assertInstanceOf(ProcedureOutcome.Returned.class, outcome, outcome::toString).value());
    }

    private ViewOutcome view(String name) {
        ViewDef view = definition.view(name).orElseThrow();
        reads.clear();
        tx.begin();
        try {
            var recording = new RecordingTransaction(tx, new ReadRecorder() {
                @Override
                public void wholeTable(int tableId) {
                    reads.add("table " + tx.table(tableId).orElseThrow().name());
                }

                @Override
                public void point(int indexId, byte[] key) {
                    reads.add("point in " + tx.tableOfIndex(indexId).name() + " of " + key.length + " bytes");
                }
            });
            return host.main().callView(CallContext.inTransaction(name, recording, c -> Optional.empty()), view.index(),
                    view.isAnonymous() ? Optional.empty() : Optional.of(Guests.SENDER));
        } finally {
            tx.rollback();
        }
    }

    private int rows(String name) {
        ViewOutcome outcome = view(name);
        return new BsatnReader(assertInstanceOf(ViewOutcome.Rows.class, outcome, outcome::toString).array()).readU32();
    }

    private HandlerOutcome handle(String name, HttpRequest request, String body) {
        if (async.isDead()) {
            async.close();
            async = host.newAsyncInstance();
        }
        return async.callHttpHandler(CallContext.procedure(name, this, c -> Optional.empty()),
                definition.raw().httpHandlers().indexOf(name), NOW, request.encode(), body.getBytes(StandardCharsets.UTF_8));
    }

    /* Reducers. */

    @ParameterizedTest
    @ValueSource(strings = {"1.1", "1.12", "2.0", "2.8", "2.11"})
    @Proves("module-abi.md 4")
    @Proves("module-abi.md 5.3")
    @Proves("module-abi.md 5.4")
    @Proves("module-abi.md 5.5")
    @Proves("module-abi.md 5.6")
    @Proves("module-abi.md 5.7")
    @Proves("module-abi.md 5.8")
    void importsDoWhatTheModuleExpects(String crate) {
        load(crate);
        assertEquals(ReducerOutcome.Committed.INSTANCE, reducer("check_abi", w -> { }));
        assertEquals(List.of("nobody0"), guests.scheduled);
        assertTrue(guests.log.stream().anyMatch(l -> l.level() == LogLevel.WARN && l.message().equals("said directly")));
        assertTrue(guests.log.stream().anyMatch(l -> l.message().equals("\ufffd!") && l.line().getAsInt() == 7));
        assertTrue(guests.log.stream().anyMatch(l -> l.message().startsWith("Timing span \"said directly\": ")));
    }

    /** Two calls at the same moment draw the same number, in one instance or in another. */
    @ParameterizedTest
    @ValueSource(strings = {"1.1", "1.12", "2.0", "2.8", "2.11"})
    @Proves("execution.md 2.3")
    @Proves("module-abi.md 5.8")
    void chanceComesFromTheTimestamp(String crate) {
        load(crate);
        Consumer<BsatnWriter> arguments = w -> w.writeString("drawn");
        assertSame(ReducerOutcome.Committed.INSTANCE, reducer("draw", arguments));
        assertSame(ReducerOutcome.Committed.INSTANCE, reducer("draw", arguments));
        assertInstanceOf(ReducerOutcome.Trapped.class, reducer("misbehave", w -> w.writeString("trap")));
        assertSame(ReducerOutcome.Committed.INSTANCE, reducer("draw", arguments));
        Set<String> drawn = new HashSet<>();
        RowIterator ticks = committed.writerView().scan(
                committed.writerView().tableByName("tick").orElseThrow().tableId());
        while (ticks.next()) {
            byte[] row = new byte[ticks.length() - Long.BYTES];
            // Without the id, which counts.
            MemorySegment.copy(ticks.segment(), ValueLayout.JAVA_BYTE, ticks.offset() + Long.BYTES, row, 0, row.length);
            drawn.add(HexFormat.of().formatHex(row));
        }
        assertEquals(3, count("tick"));
        assertEquals(1, drawn.size(), drawn::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.1", "2.11"})
    @Proves("module-abi.md 5.1")
    void wildArgumentsTrap(String crate) {
        load(crate);
        for (String how : List.of("null", "out of bounds", "long", "utf8", "bad out", "many elements")) {
            var trapped = assertInstanceOf(
                    ReducerOutcome.Trapped.class, reducer("trap_by_import", w -> w.writeString(how)), how);
            assertEquals(TrapKind.HOST, trapped.kind(), how);
        }
        assertEquals(ReducerOutcome.Committed.INSTANCE, reducer("check_abi", w -> { }));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.12", "2.11"})
    @Proves("module-abi.md 5.9")
    @Proves("module-abi.md 5.10")
    void reducersCannotWait(String crate) {
        load(crate);
        for (String how : List.of("sleep", "http")) {
            var trapped = assertInstanceOf(
                    ReducerOutcome.Trapped.class, reducer("trap_by_waiting", w -> w.writeString(how)));
            assertTrue(trapped.message().endsWith("is only available in async instances"), trapped.message());
        }
    }

    /* Views. */

    @ParameterizedTest
    @ValueSource(strings = {"1.12", "2.0", "2.8", "2.11"})
    @Proves("module-abi.md 2.3")
    @Proves("execution.md 6.3")
    void viewsReadWhatTheySay(String crate) {
        load(crate);
        item(1, 1, 5);
        item(2, 1, 500);
        item(3, 2, 50);
        assertEquals(2, rows("items_of_kind_one"));
        assertEquals(List.of("point in item of 4 bytes"), reads);
        assertEquals(1, rows("heavy_items"));
        assertEquals(List.of("table item"), reads);
        assertEquals(1, rows("item_count"));
        assertEquals(List.of("table item"), reads);
        assertEquals(3, rows("my_items"));
        assertEquals(List.of("point in item of 32 bytes"), reads);
        assertEquals(1, rows("my_first_item"));
        assertEquals(List.of("point in item of 32 bytes", "point in item of 4 bytes"), reads);
    }

    @ParameterizedTest
    @ValueSource(strings = {"2.0", "2.8", "2.11"})
    @Proves("module-abi.md 2.3")
    void viewsMayReturnAQuery(String crate) {
        load(crate);
        String sql = assertInstanceOf(ViewOutcome.Sql.class, view("light_items")).text();
        assertTrue(sql.startsWith("SELECT ") && sql.contains("weight"), sql);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.12", "2.11"})
    @Proves("module-abi.md 6")
    void viewsThatPanic(String crate) {
        load(crate);
        assertEquals(1, rows("moody"));
        tx.begin();
        BsatnWriter gate = new BsatnWriter();
        gate.writeString("view: panic");
        tx.insert(tx.tableId("gate"), MemorySegment.ofArray(gate.toByteArray()), 0, gate.length());
        commit();
        var trapped = assertInstanceOf(ViewOutcome.Trapped.class, view("moody"));
        assertEquals(TrapKind.UNREACHABLE, trapped.kind());
        assertTrue(guests.log.stream().anyMatch(l -> l.level() == LogLevel.PANIC && l.function().equals(Optional.of("moody"))));
        assertEquals(0, rows("my_items"));
    }

    /* Procedures. */

    @ParameterizedTest
    @ValueSource(strings = {"1.12", "2.0", "2.8", "2.11"})
    @Proves("module-abi.md 5.9")
    @Proves("module-abi.md 5.10")
    void proceduresMayDoWhatTheModuleExpects(String crate) {
        load(crate);
        BsatnReader result = returned("check_procedure_abi", w -> { });
        if (result.readU8() != 0) {
            throw new AssertionError(result.readString());
        }
        assertEquals(1, result.readU32());
        assertEquals(5, returned("sum", w -> {
            w.writeU32(2);
            w.writeU32(3);
        }).readU64());
        assertEquals(0, returned("nothing_at_all", w -> { }).remaining());
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.12", "2.0", "2.8", "2.11"})
    @Proves("module-abi.md 2.2")
    void proceduresKnowTheirCaller(String crate) {
        load(crate);
        BsatnReader caller = returned("who_calls", w -> { });
        assertEquals(Guests.SENDER, caller.readIdentity());
        assertEquals(0, caller.readU8());
        assertEquals(Guests.CONNECTION, caller.readConnectionId());
        assertEquals(Guests.DATABASE, caller.readIdentity());
        assertEquals(NOW, caller.readU64());
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.12", "2.0", "2.8", "2.11"})
    @Proves("module-abi.md 5.9")
    void proceduresHaveTransactions(String crate) {
        load(crate);
        assertEquals(1, returned("make_item", w -> w.writeU32(1)).readU64());
        assertEquals(1, count("item"));
        BsatnReader rolledBack = returned("try_item", w -> {
            w.writeU32(2);
            w.writeBool(true);
        });
        assertEquals(1, rolledBack.readU8());
        assertEquals("rolled back", rolledBack.readString());
        assertEquals(1, count("item"));
        assertEquals(500_000L, returned("sleep_for", w -> w.writeU64(500_000)).readU64());
        item(5, 1, 1);
        assertInstanceOf(ProcedureOutcome.Trapped.class, procedure("make_item", w -> w.writeU32(5)), "the id is taken");
        assertFalse(tx.isOpen());
        assertEquals(2, count("item"));
    }

    @ParameterizedTest
    @CsvSource({"1.12, ok", "1.12, panic", "2.11, ok", "2.11, trap", "2.11, recursion", "2.11, sleep"})
    @Proves("module-abi.md 5.9")
    void transactionsLeftOpenAreRolledBack(String crate, String how) {
        load(crate);
        ProcedureOutcome outcome = procedure("dangle", w -> {
            w.writeU32(1);
            w.writeString(how);
        });
        assertEquals(how.equals("ok"), outcome instanceof ProcedureOutcome.Returned, outcome.toString());
        assertFalse(tx.isOpen());
        assertEquals(1, count("item"));
        assertTrue(guests.log.stream().anyMatch(l ->
                l.message().equals("aborting dangling anonymous transaction in procedure dangle")));
        assertEquals(2, returned("make_item", w -> w.writeU32(7)).readU64());
    }

    private BsatnReader fetch(String method, long timeoutMicros) {
        return returned("fetch", w -> {
            w.writeString(method);
            w.writeString("http://example.org/a?b=c");
            w.writeU32(1);
            w.writeString("x-test: yes");
            w.writeString("body");
            w.writeU64(timeoutMicros);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.12", "2.0", "2.8", "2.11"})
    @Proves("module-abi.md 5.9")
    void proceduresSendRequests(String crate) {
        load(crate);
        answer = new HttpAnswer.Received(new HttpResponse(
                List.of(new HttpHeader("a", "b".getBytes(StandardCharsets.UTF_8))), HttpVersion.HTTP_2, 418),
                "tea".getBytes(StandardCharsets.UTF_8));
        BsatnReader fetched = fetch("PATCH", 0);
        assertEquals(0, fetched.readU8());
        assertEquals(418, fetched.readU16());
        assertEquals(1, fetched.readU32());
        assertEquals("a: b", fetched.readString());
        assertEquals("tea", fetched.readString());
        HttpRequest request = requests.getFirst();
        assertEquals("PATCH", request.method().name());
        assertEquals("http://example.org/a?b=c", request.uri());
        assertEquals("x-test", request.headers().getFirst().name());
        assertArrayEquals("yes".getBytes(StandardCharsets.UTF_8), request.headers().getFirst().value());
        assertEquals(OptionalLong.of(30_000_000), request.timeoutMicros());
        fetch("GREET", 1_000);
        assertEquals("GREET", requests.get(1).method().name());
        assertEquals(OptionalLong.of(1_000), requests.get(1).timeoutMicros());
        answer = new HttpAnswer.Failed("no net");
        BsatnReader failed = fetch("GET", 0);
        assertEquals(1, failed.readU8());
        assertTrue(failed.readString().contains("no net"));
    }

    /* HTTP handlers. */

    @ParameterizedTest
    @ValueSource(strings = {"2.8", "2.11"})
    @Proves("module-abi.md 2.3")
    void handlersAnswer(String crate) {
        load(crate);
        HttpRequest request = new HttpRequest(new HttpMethod("PUT"),
                List.of(new HttpHeader("x-a", new byte[] {'1'}), new HttpHeader("x-a", new byte[] {'2'})), OptionalLong.empty(),
                "https://host/mirror?q", HttpVersion.HTTP_1_1);
        HttpRequest falling = new HttpRequest(
                new HttpMethod("GET"), List.of(), OptionalLong.empty(), "https://host/fall?trap", HttpVersion.HTTP_1_1);
        var mirrored = assertInstanceOf(HandlerOutcome.Returned.class, handle("mirror", request, "hello"));
        assertEquals("PUT https://host/mirror?q hello", new String(mirrored.body(), StandardCharsets.UTF_8));
        HttpResponse response = HttpResponse.decode(mirrored.response());
        assertEquals(200, response.code());
        assertEquals(List.of("x-a", "x-a"), response.headers().stream().map(HttpHeader::name).toList());
        assertArrayEquals(new byte[] {'2'}, response.headers().get(1).value());
        var teapot = assertInstanceOf(HandlerOutcome.Returned.class, handle("short", request, ""));
        assertEquals(418, HttpResponse.decode(teapot.response()).code());
        assertEquals(0, teapot.body().length);
        var stored = assertInstanceOf(HandlerOutcome.Returned.class, handle("store", request, "12"));
        assertEquals("1", new String(stored.body(), StandardCharsets.UTF_8));
        assertEquals(1, count("item"));
        assertInstanceOf(HandlerOutcome.Trapped.class, handle("fall", falling, ""));
        assertInstanceOf(HandlerOutcome.Returned.class, handle("short", request, ""));
    }
}
