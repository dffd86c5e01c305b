package dev.geodesic.engine.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.host.ReducerOutcome.Committed;
import dev.geodesic.engine.host.ReducerOutcome.Failed;
import dev.geodesic.engine.host.ReducerOutcome.TimedOut;
import dev.geodesic.engine.host.ReducerOutcome.Trapped;
import dev.geodesic.engine.host.abi.LogLevel;
import dev.geodesic.engine.host.abi.LogRecord;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Modules compiled by Rust with the published crates, against real tables. */
@ExtendWith(GuestThread.class)
class RustModuleTest {

    private static final Path SAMPLES = Path.of(System.getProperty("user.dir")).resolveSibling("samples");
    private static final String V1 = "modules/v1/kitchen_v1.wasm";
    private static final String V2 = "modules/v2/kitchen_v2.wasm";

    private final Guests guests = new Guests();
    private final CommittedState committed = new CommittedState(new HeapStores());
    private final Catalog catalog = Catalog.bootstrap(committed);
    private final MutTx tx = new MutTx(committed, Limits.DEFAULTS, catalog);
    private ModuleHost host;
    private ModuleDef definition;

    @AfterEach
    void close() {
        if (host != null) {
            host.close();
        }
        guests.close();
        committed.close();
    }

    private static byte[] read(String name) {
        try {
            return Files.readAllBytes(SAMPLES.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void load(String name) {
        host = guests.load(read(name));
        definition = ModuleDef.decode(host.describe().bytes());
        tx.begin();
        for (TableDef table : definition.tables()) {
            catalog.createTable(tx, table.toSchema(catalog));
        }
        commit();
    }

    private void commit() {
        committed.apply(tx.finish());
        tx.end();
    }

    /** Calls in a transaction of its own, which ends as the outcome says. */
    private ReducerOutcome call(String reducer, Consumer<BsatnWriter> arguments) {
        BsatnWriter writer = new BsatnWriter();
        arguments.accept(writer);
        tx.begin();
        ReducerOutcome outcome = Guests.call(host, definition.reducer(reducer).orElseThrow().id(), tx, writer.toByteArray());
        if (outcome instanceof Committed) {
            commit();
        } else {
            tx.rollback();
        }
        return outcome;
    }

    private ReducerOutcome call(String reducer) {
        return call(reducer, w -> { });
    }

    private long count(String table) {
        return committed.writerView().rowCount(committed.writerView().tableByName(table).orElseThrow().tableId());
    }

    private List<String> messages(LogLevel level) {
        return guests.log.stream().filter(l -> l.level() == level).map(LogRecord::message).toList();
    }

    @Proves("module-abi.md 7")
    @Test
    @Proves("module-abi.md 7")
    @Proves("module-def.md 1")
    void describesBothGenerations() {
        load(V1);
        assertEquals(ModuleDescription.Version.V9, host.describe().version());
        try (ModuleHost v2 = guests.load(read(V2))) {
            assertEquals(ModuleDescription.Version.V10, v2.describe().version());
            try (ModuleInstance second = v2.newAsyncInstance()) {
                assertArrayEquals(v2.describe().bytes(), second.description().bytes());
            }
        }
    }

    @Proves("module-abi.md 7")
    @ParameterizedTest
    @ValueSource(strings = {V1, V2})
    @Proves("module-abi.md 5.4")
    @Proves("module-abi.md 5.5")
    @Proves("module-abi.md 5.6")
    void reachesRowsInEveryWay(String module) {
        load(module);
        assertSame(Committed.INSTANCE, call("init"));
        assertEquals(2, count("team"));
        for (int i = 0; i < 3; i++) {
            assertEquals(Committed.INSTANCE, call("test_everything"));
        }
        assertEquals(0, count("test_index")); // it puts everything back
    }

    @ParameterizedTest
    @ValueSource(strings = {V1, V2})
    @Proves("module-abi.md 2.3")
    @Proves("module-abi.md 6")
    void failsInEveryWay(String module) {
        guests.withLimits(64 << 20, 2_000, 1 << 20, 64, 1_000);
        load(module);
        call("init");
        assertEquals("no luck", assertInstanceOf(Failed.class, call("fail", w -> w.writeString("no luck"))).message());
        Trapped boom = assertInstanceOf(Trapped.class, call("boom"));
        assertEquals(TrapKind.UNREACHABLE, boom.kind());
        LogRecord panic = guests.log.getLast();
        assertEquals(LogLevel.PANIC, panic.level());
        assertTrue(panic.message().contains("boom goes the reducer"), panic.message());
        assertTrue(panic.trace().size() > 3, panic.trace()::toString); // the sample has no names any more
        assertInstanceOf(Trapped.class, call("duplicate_key"));
        assertEquals("after writing", ((Failed) call("test_write_and_fail", w -> w.writeString("error"))).message());
        assertEquals(TrapKind.UNREACHABLE, ((Trapped) call("test_write_and_fail", w -> w.writeString("trap"))).kind());
        assertEquals(TrapKind.STACK_OVERFLOW, ((Trapped) call("test_write_and_fail", w -> w.writeString("stack"))).kind());
        assertEquals(TrapKind.UNREACHABLE, ((Trapped) call("test_write_and_fail", w -> w.writeString("memory"))).kind());
        assertInstanceOf(TimedOut.class, call("test_write_and_fail", w -> w.writeString("time")));
        assertEquals(2, count("team"));
        assertEquals(0, count("secret"));
        assertSame(Committed.INSTANCE, call("nothing"));
    }

    @Test
    @Proves("execution.md 9")
    void logs() {
        load(V2);
        guests.log.clear();
        assertSame(Committed.INSTANCE, call("log_all"));
        assertEquals(List.of("an error", "a warning", "an info"), guests.log.stream().limit(3).map(LogRecord::message).toList());
        assertTrue(guests.log.getFirst().filename().orElseThrow().endsWith(".rs"));
        assertTrue(guests.log.getFirst().line().getAsInt() > 0);
        assertSame(Committed.INSTANCE, call("test_log", w -> {
            w.writeString("hello");
            w.writeU32(2);
        }));
        assertTrue(messages(LogLevel.INFO).getLast().startsWith("Timing span \"test_log\": "), guests.log::toString);
    }

    @Test
    void chats() {
        load("chat/module/chat.wasm");
        assertSame(Committed.INSTANCE, call("client_connected"));
        assertSame(Committed.INSTANCE, call("set_name", w -> w.writeString("Ann")));
        assertSame(Committed.INSTANCE, call("send_message", w -> w.writeString("hi")));
        assertEquals("the message is empty", ((Failed) call("send_message", w -> w.writeString(" "))).message());
        assertEquals(1, count("message"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"view", "procedure", "http_handler", "schedule", "row_level_security", "event_table"})
    void loadsModulesOfEveryFeature(String name) {
        try (ModuleHost module = guests.load(read("modules/features/" + name + ".wasm"))) {
            assertEquals(ModuleDescription.Version.V10, module.describe().version());
            assertEquals(10, ModuleDef.decode(module.describe().bytes()).version());
        }
    }
}
