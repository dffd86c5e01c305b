package dev.geodesic.engine.host;

import static dev.geodesic.engine.host.Guests.DESCRIBE;
import static dev.geodesic.engine.host.Guests.MEMORY;
import static dev.geodesic.engine.host.Guests.imports;
import static dev.geodesic.engine.host.Guests.module;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.abi.LogRecord;
import dev.geodesic.engine.host.wasmtime.Wat;
import dev.geodesic.testkit.Proves;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(GuestThread.class)
class ModuleHostTest {

    private static final String REDUCER = """
            (func (export "__call_reducer__") (param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32) (i32.const 0))
            """;
    private static final String SINK = imports("bytes_sink_write");

    private final Guests guests = new Guests();

    @AfterEach
    void close() {
        guests.close();
    }

    private String refused(String wat) {
        return refused(Wat.toWasm(wat));
    }

    private String refused(byte[] wasm) {
        EngineException e = assertThrows(EngineException.class, () -> guests.load(wasm).close());
        assertEquals(ErrorCode.INVALID_MODULE, e.code(), e.getMessage());
        return e.getMessage();
    }

    @Proves("module-abi.md 2.1")
    @Test
    @Proves("module-abi.md 2.1")
    void describesOncePerInstance() {
        try (ModuleHost host = guests.load(module("", "", "(i32.const 0)"));
                ModuleInstance second = host.newAsyncInstance()) {
            assertEquals(ModuleDescription.Version.V10, host.describe().version());
            assertArrayEquals(new byte[] {2, 0, 0, 0, 0}, host.describe().bytes());
            assertArrayEquals(new byte[] {2, 0, 0, 0, 0}, second.description().bytes());
            assertEquals("10.0", host.abiVersion().toString());
            assertEquals(Set.of(), host.features());
        }
    }

    @Test
    void refusesRubbish() {
        refused(new byte[0]);
        refused(new byte[] {0, 'a', 's', 'm'});
        refused("hello, this is text".getBytes(StandardCharsets.UTF_8));
        refused(new byte[] {0, 'a', 's', 'm', 13, 0, 1, 0});
        // A section that claims four gigabytes.
        refused(new byte[] {0, 'a', 's', 'm', 1, 0, 0, 0, 1, -1, -1, -1, -1, 15});
    }

    @Test
    void survivesDamagedPrograms() {
        byte[] good = Wat.toWasm(module(imports("console_log", "identity"), "", "(i32.const 0)"));
        long seed = Long.getLong("geodesic.seed", new Random().nextLong());
        Random random = new Random(seed);
        for (int i = 0; i < 400; i++) {
            byte[] bad = random.nextInt(4) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
            for (int k = random.nextInt(4); k > 0 && bad.length > 8; k--) {
                bad[8 + random.nextInt(bad.length - 8)] = (byte) random.nextInt();
            }
            try {
                guests.load(bad).close();
            } catch (EngineException e) {
                assertTrue(e.code() == ErrorCode.INVALID_MODULE || e.code() == ErrorCode.LIMIT_EXCEEDED,
                        () -> "seed " + seed + ": " + e.describe());
            }
        }
    }

    @Proves("module-abi.md 2")
    @Test
    @Proves("module-abi.md 2")
    void namesWhatIsMissing() {
        assertEquals("there should be a memory export called \"memory\" but it does not exist",
                refused("(module " + SINK + "(memory 1)" + DESCRIBE + REDUCER + ")"));
        assertEquals("there should be a function called \"__call_reducer__\" but it does not exist",
                refused("(module " + SINK + MEMORY + DESCRIBE + ")"));
        assertEquals("there should be a function called \"__describe_module__\" but it does not exist",
                refused("(module " + SINK + MEMORY + REDUCER + ")"));
    }

    @Proves("module-abi.md 2")
    @Test
    @Proves("module-abi.md 2")
    void namesWrongSignatures() {
        assertEquals("bad preinit signature for \"10_x\"; expected () got (i32) -> i64",
                refused(module("",
                        "(func (export \"__preinit__10_x\") (param i32) (result i64) (i64.const 0))", "(i32.const 0)")));
        assertEquals("bad describe_module signature for \"__describe_module__\"; expected (i32) got ()",
                refused("(module " + SINK + MEMORY + REDUCER + "(func (export \"__describe_module__\")))"));
        assertEquals("bad setup signature for \"__setup__\"; expected (i32) -> i32 got (i32)",
                refused(module("", "(func (export \"__setup__\") (param i32))", "(i32.const 0)")));
        assertEquals("expected \"__call_reducer__\" export to be a call_reducer with signature "
                        + "(i32, i64, i64, i64, i64, i64, i64, i64, i32, i32) -> i32, but it wasn't a function at all",
                refused("(module " + SINK + MEMORY + DESCRIBE + "(global (export \"__call_reducer__\") i32 (i32.const 0)))"));
        assertTrue(refused(module("", "(func (export \"__call_view__\") (param v128))", "(i32.const 0)"))
                .startsWith("bad call_view"));
    }

    @Proves("module-abi.md 1")
    @Test
    @Proves("module-abi.md 1")
    void namesUnknownImports() {
        assertEquals("the module imports the function \"env\".\"abort\", which this host does not have",
                refused(module("(import \"env\" \"abort\" (func))", "", "(i32.const 0)")));
        assertEquals("the module imports the function \"spacetime_10.1\".\"identity\", which this host does not have",
                refused(module("(import \"spacetime_10.1\" \"identity\" (func (param i32)))", "", "(i32.const 0)")));
        assertEquals("the module imports the function \"spacetime_10.0\".\"identity\" as (i64); it is (i32)",
                refused(module("(import \"spacetime_10.0\" \"identity\" (func (param i64)))", "", "(i32.const 0)")));
        assertTrue(refused(module("(import \"spacetime_10.0\" \"g\" (global i32))", "", "(i32.const 0)"))
                .startsWith("the module imports the global \"spacetime_10.0\".\"g\""));
    }

    @Proves("module-abi.md 1")
    @Test
    @Proves("module-abi.md 1")
    void checksTheVersion() {
        assertEquals("unable to determine ABI of module (may be on an spacetime version < 0.8)",
                refused("(module " + MEMORY + REDUCER + "(func (export \"__describe_module__\") (param i32)))"));
        assertEquals("import module \"spacetime_10.x\" has malformed version string",
                refused(module("(import \"spacetime_10.x\" \"f\" (func))", "", "(i32.const 0)")));
        assertEquals("import module \"spacetime_10.70000\" has malformed version string",
                refused(module("(import \"spacetime_10.70000\" \"f\" (func))", "", "(i32.const 0)")));
        assertEquals("module cannot depend on both major version 10 and major version 9",
                refused(module("(import \"spacetime_9.0\" \"f\" (func))", "", "(i32.const 0)")));
        assertEquals("abi version 10.7 is not supported (host implements 10.6)",
                refused(module("(import \"spacetime_10.7\" \"f\" (func))", "", "(i32.const 0)")));
    }

    @Proves("module-abi.md 5.2")
    @Test
    @Proves("module-abi.md 5.2")
    void linksEveryFunction() {
        String[] names = HostFunctions.TABLE.stream()
                .map(f -> f.name()).filter(n -> !n.equals("bytes_sink_write")).toArray(String[]::new);
        assertEquals(30, names.length);
        try (ModuleHost host = guests.load(module(imports(names), """
                (func (export "__call_procedure__") (param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32) (i32.const 0))
                (func (export "__call_view__") (param i32 i64 i64 i64 i64 i32 i32) (result i32) (i32.const 0))
                (func (export "__call_view_anon__") (param i32 i32 i32) (result i32) (i32.const 0))
                (func (export "__call_http_handler__") (param i32 i64 i32 i32 i32 i32) (result i32) (i32.const 0))
                """, "(i32.const 0)"))) {
            assertEquals("10.6", host.abiVersion().toString());
            assertEquals(Set.of(ModuleFeature.values()), host.features());
        }
    }

    @Proves("module-abi.md 2.1")
    @Test
    @Proves("module-abi.md 2.1")
    void initialisesInOrder() {
        String log = """
                (func $say (param $at i32)
                  (call $console_log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)
                    (local.get $at) (i32.const 1)))
                (data (i32.const 100) "abcde")
                (func (export "__preinit__20_b") (call $say (i32.const 102)))
                (func (export "__preinit__10_a") (call $say (i32.const 101)))
                (func (export "_initialize") (call $say (i32.const 100)))
                (func (export "__setup__") (param i32) (result i32) (call $say (i32.const 103)) (i32.const 0))
                """;
        guests.load(module(imports("console_log"), log, "(i32.const 0)")).close();
        assertEquals(List.of("a", "b", "c", "d"), guests.log.stream().map(LogRecord::message).toList());
    }

    @Proves("module-abi.md 1")
    @Test
    @Proves("module-abi.md 1")
    void runsTheStartSectionWithMemory() {
        guests.load(module(imports("console_log"), """
                (data (i32.const 100) "start")
                (func $start (call $console_log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 7)
                    (i32.const 100) (i32.const 5)))
                (start $start)
                """, "(i32.const 0)")).close();
        assertEquals("start", guests.log.getFirst().message());
        assertEquals(7, guests.log.getFirst().line().getAsInt());
    }

    @Proves("module-abi.md 2.1")
    @Test
    @Proves("module-abi.md 2.1")
    void reportsFailedInitialisation() {
        assertEquals("setup function returned an error: bad",
                refused(module("", """
                        (data (i32.const 100) "bad\\03\\00\\00\\00")
                        (func (export "__setup__") (param i32) (result i32)
                          (drop (call $bytes_sink_write (local.get 0) (i32.const 100) (i32.const 103))) (i32.const 1))
                        """, "(i32.const 0)")));
        assertEquals("wasm trap while calling \"__preinit__x\": wasm `unreachable` instruction executed",
                refused(module("", "(func (export \"__preinit__x\") unreachable)", "(i32.const 0)")));
        assertTrue(refused(module("", "(func $s unreachable) (start $s)", "(i32.const 0)")).contains("unreachable"));
        assertEquals("wasm trap while calling \"__preinit__x\": runtime error calling procedure_sleep_until: "
                        + "procedure_sleep_until is only available in async instances",
                refused(module(imports("procedure_sleep_until"),
                        "(func (export \"__preinit__x\") (drop (call $procedure_sleep_until (i64.const 1))))", "(i32.const 0)")));
        assertTrue(refused("(module " + SINK + MEMORY + REDUCER + "(func (export \"__describe_module__\") (param i32)))")
                .endsWith("it is empty"));
        assertTrue(refused(module("", "", "(i32.const 0)").replace("\\02\\00", "\\07\\00")).endsWith("unknown version tag 7"));
    }

    @Test
    void stopsInitialisationThatRunsForEver() {
        guests.withLimits(1 << 20, 50, 1 << 20, 8, 100);
        assertTrue(refused(module("", "(func (export \"__preinit__x\") (loop $l (br $l)))", "(i32.const 0)"))
                .contains("too long"));
        assertTrue(refused(module("", "(func $s (loop $l (br $l))) (start $s)", "(i32.const 0)")).contains("too long"));
    }

    @Test
    void refusesTooMuchMemory() {
        guests.withLimits(65_536, 1_000, 1 << 20, 8, 100);
        EngineException e = assertThrows(EngineException.class, () -> guests.load(module("", "", "(i32.const 0)")));
        assertEquals(ErrorCode.LIMIT_EXCEEDED, e.code());
        assertTrue(e.getMessage().contains("memoryBytesMax"), e.getMessage());
    }

    @Proves("module-abi.md 1")
    @ParameterizedTest
    @ValueSource(strings = {
        "(memory $m 1 1)",
        "(type $s (struct (field i32)))",
        "(tag $t (param i32))",
        "(func (param (ref null any)))",
        "(func (result i32) (i32.atomic.load (i32.const 0)))",
    })
    void refusesFeaturesThatAreOff(String declaration) {
        refused(module("", declaration, "(i32.const 0)"));
    }

    @Test
    @Proves("module-abi.md 1")
    void refusesLargeAddresses() {
        refused(module("", "", "(i32.const 0)").replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") i64 2)"));
        refused(module("", "", "(i32.const 0)")
                .replace("(memory (export \"memory\") 2)", "(memory (export \"memory\") 2 2 shared)"));
    }
}
