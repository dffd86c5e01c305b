package dev.geodesic.engine.host.wasmtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.ServerMemory;
import dev.geodesic.engine.host.GuestThread;
import dev.geodesic.engine.host.runtime.FunctionType;
import dev.geodesic.engine.host.runtime.HostFunction;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.runtime.WasmTrapException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(GuestThread.class)
class WasmtimeRuntimeTest {

    private static final long MEMORY = 1 << 20;
    private static final long MILLIS = 20_000;

    private static final byte[] PROGRAM = Wat.toWasm("""
            (module
              (import "h" "call" (func $call (param i32 i64) (result i64)))
              (memory (export "memory") 1)
              (func (export "run") (param i32 i64) (result i32) (i32.wrap_i64 (call $call (local.get 0) (local.get 1))))
              (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
              (func (export "deep") (param i32) (result i32)
                (if (result i32) (local.get 0)
                  (then (i32.add (i32.const 1) (call 3 (i32.sub (local.get 0) (i32.const 1)))))
                  (else (i32.wrap_i64 (call $call (i32.const 0) (i64.const 0)))))))
            """);

    @TempDir
    private Path cache;

    private WasmRuntime runtime = open();

    /** What the host function does next. */
    private HostFunction.Handler handler = c -> 0;

    private WasmRuntime open() {
        HostFunction function = new HostFunction("h", "call", FunctionType.of("iI:I"), c -> handler.call(c));
        return WasmtimeRuntime.open(new WasmtimeOptions(Optional.ofNullable(cache), Thread.ofPlatform().daemon().factory()),
                List.of(function));
    }

    @AfterEach
    void close() {
        runtime.close();
    }

    private static int run(WasmInstance instance, int function, int a, long b) {
        instance.setI32(0, a);
        instance.setI64(1, b);
        instance.call(function, MILLIS);
        return instance.resultI32();
    }

    @Test
    void passesNumbersAndTheAttachment() {
        handler = c -> c.i64(1) * (Long) c.attachment() + c.i32(0);
        try (WasmModule module = runtime.compile(PROGRAM); WasmInstance instance = module.instantiate(10L, MEMORY, MILLIS)) {
            assertEquals(-57, run(instance, instance.function("run"), 3, -6L));
        }
    }

    @Test
    void memoryOfGuestsCountsAndIsBoundedByWhatTheServerHasLeft() {
        ServerMemory memory = new ServerMemory(100 << 20, Long.MAX_VALUE);
        HostFunction function = new HostFunction("h", "call", FunctionType.of("iI:I"), c -> 0);
        try (WasmRuntime counting = WasmtimeRuntime.open(new WasmtimeOptions(
                Optional.ofNullable(cache), Thread.ofPlatform().daemon().factory(), memory), List.of(function));
                WasmModule module = counting.compile(PROGRAM)) {
            try (WasmInstance instance = module.instantiate("first", 1L << 30, MILLIS)) {
                assertEquals(1 << 16, memory.bytes());
                int grow = instance.function("grow");
                assertEquals(-1, run(instance, grow, 2000, 0), "more than the server has");
                assertEquals(1, run(instance, grow, 100, 0));
                assertEquals(101 << 16, memory.bytes());
                memory.addHeap(90 << 20);
                try (WasmInstance late = module.instantiate("late", 1L << 30, MILLIS)) {
                    int growLate = late.function("grow");
                    assertEquals(-1, run(late, growLate, 1024, 0));
                    assertEquals(1, run(late, growLate, 900, 0), "something is left for everybody");
                }
            }
            assertEquals(90 << 20, memory.bytes());
        }
    }

    @Test
    void instancesNest() {
        try (WasmModule module = runtime.compile(PROGRAM);
                WasmInstance outer = module.instantiate("outer", MEMORY, MILLIS);
                WasmInstance inner = module.instantiate("inner", MEMORY, MILLIS)) {
            int outerRun = outer.function("run");
            int innerRun = inner.function("run");
            handler = c -> c.attachment().equals("inner") ? c.i32(0) + 1 : run(inner, innerRun, c.i32(0) * 10, 0) + c.i64(1);
            assertEquals(41 + 100, run(outer, outerRun, 4, 100));
            // A trap of the inner one is an exception of the outer one's host function.
            handler = c -> {
                if (c.attachment().equals("inner")) {
                    throw new IllegalStateException("inner");
                }
                return run(inner, innerRun, 1, 1);
            };
            assertEquals("inner",
                    assertThrows(IllegalStateException.class, () -> run(outer, outerRun, 1, 1)).getMessage());
            // But an instance is not entered twice.
            handler = c -> run(outer, outerRun, 1, 1);
            assertEquals(ErrorCode.INTERNAL, assertThrows(EngineException.class, () -> run(outer, outerRun, 1, 1)).code());
        }
    }

    @Test
    void twoThreadsRunTwoInstances() throws InterruptedException {
        handler = c -> (Integer) c.attachment() + c.i32(0);
        int[] wrong = new int[2];
        try (WasmModule module = runtime.compile(PROGRAM)) {
            Thread[] threads = new Thread[2];
            for (int t = 0; t < 2; t++) {
                int number = t;
                threads[t] = new Thread(null, () -> {
                    try (WasmInstance instance = module.instantiate(number * 1000, MEMORY, MILLIS)) {
                        int function = instance.function("run");
                        for (int i = 0; i < 100_000; i++) {
                            wrong[number] += run(instance, function, i, 0) == number * 1000 + i ? 0 : 1;
                        }
                    }
                }, "guest", WasmRuntime.GUEST_THREAD_STACK_BYTES);
                threads[t].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertEquals(0, wrong[0] + wrong[1]);
    }

    @Test
    void checksPointers() {
        int page = 65_536;
        try (WasmModule module = runtime.compile(PROGRAM); WasmInstance instance = module.instantiate("", MEMORY, MILLIS)) {
            int function = instance.function("run");
            handler = c -> c.at(c.i32(0), (int) c.i64(1));
            assertEquals(page - 4, run(instance, function, page - 4, 4));
            assertEquals(page, run(instance, function, page, 0));
            int[][] bad = {{0, 0}, {0, 4}, {page - 3, 4}, {page, 1}, {page + 1, 0}, {-1, 0}, {-1, 1}, {4, -1},
                {4, Integer.MIN_VALUE}, {Integer.MIN_VALUE, 1}, {-4, 8}, {1, Integer.MAX_VALUE}};
            for (int[] range : bad) {
                assertThrows(RuntimeException.class, () -> run(instance, function, range[0], range[1]),
                        () -> range[0] + "+" + range[1]);
            }
            instance.setI32(0, 3);
            instance.call(instance.function("grow"), MILLIS);
            assertEquals(4 * page - 4, run(instance, function, 4 * page - 4, 4));
            assertThrows(RuntimeException.class, () -> run(instance, function, 4 * page - 3, 4));
        }
    }

    @Test
    void memoryDiesWithTheInstance() {
        MemorySegment[] kept = new MemorySegment[1];
        handler = c -> {
            c.at(8, 8);
            kept[0] = c.memory();
            return kept[0].get(ValueLayout.JAVA_INT_UNALIGNED, 8);
        };
        try (WasmModule module = runtime.compile(PROGRAM)) {
            WasmInstance instance = module.instantiate("", MEMORY, MILLIS);
            int function = instance.function("run");
            assertEquals(0, run(instance, function, 0, 0));
            instance.close();
            instance.close();
            assertThrows(IllegalStateException.class, () -> kept[0].get(ValueLayout.JAVA_INT_UNALIGNED, 8));
            assertThrows(EngineException.class, () -> run(instance, function, 0, 0));
            assertThrows(EngineException.class, () -> instance.call(function, MILLIS));
            assertThrows(EngineException.class, instance::resultI32);
            assertThrows(EngineException.class, instance::memoryBytes);
        }
    }

    @Test
    void refusesToCloseUnderOpenThings() {
        WasmModule module = runtime.compile(PROGRAM);
        assertThrows(EngineException.class, () -> runtime.close());
        WasmInstance instance = module.instantiate("", MEMORY, MILLIS);
        module.close();
        module.close();
        assertThrows(EngineException.class, () -> module.instantiate("", MEMORY, MILLIS));
        assertThrows(EngineException.class, () -> runtime.close());
        assertEquals(0, run(instance, instance.function("run"), 0, 0)); // code outlives the module
        instance.close();
        runtime.close();
        runtime.close();
        assertThrows(EngineException.class, () -> runtime.compile(PROGRAM));
    }

    @Test
    void hostOverflowsTheJavaStackDeepInTheGuest() {
        handler = c -> recurse(1);
        try (WasmModule module = runtime.compile(PROGRAM); WasmInstance instance = module.instantiate("", MEMORY, MILLIS)) {
            int deep = instance.function("deep");
            for (int depth : new int[] {0, 100, 2_000}) {
                instance.setI32(0, depth);
                assertThrows(StackOverflowError.class, () -> instance.call(deep, MILLIS));
            }
            instance.setI32(0, 1_000_000);
            assertEquals(TrapKind.STACK_OVERFLOW,
                    assertThrows(WasmTrapException.class, () -> instance.call(deep, MILLIS)).kind());
            handler = c -> 5;
            instance.setI32(0, 100);
            instance.call(deep, MILLIS);
            assertEquals(105, instance.resultI32());
        }
    }

    private static long recurse(long n) {
        return n == 0 ? 0 : recurse(n + 1) + 1;
    }

    @Test
    void refusesWhatDoesNotLink() {
        byte[] other = Wat.toWasm("(module (import \"h\" \"other\" (func)) (memory (export \"memory\") 1))");
        assertEquals(ErrorCode.INVALID_MODULE, assertThrows(EngineException.class, () -> runtime.compile(other)).code());
    }

    /* The cache of compiled programs. */

    private Path cached() throws IOException {
        try (var files = Files.list(cache)) {
            List<Path> list = files.toList();
            assertEquals(1, list.size(), list::toString);
            return list.getFirst();
        }
    }

    private void compileAndRun() {
        WasmRuntime next = open();
        try (WasmModule module = next.compile(PROGRAM); WasmInstance instance = module.instantiate("", MEMORY, MILLIS)) {
            assertEquals(0, run(instance, instance.function("run"), 0, 0));
        }
        next.close();
    }

    @Test
    void usesTheCache() throws IOException {
        compileAndRun();
        Path file = cached();
        byte[] content = Files.readAllBytes(file);
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
        compileAndRun();
        assertEquals(1_000_000, Files.getLastModifiedTime(file).toMillis()); // not written again
        assertEquals(content.length, Files.size(file));
        // Any other program has another file.
        assertFalse(new CompiledCache(Optional.of(cache)).read(new byte[] {1}).isPresent());
    }

    @Test
    void compilesAgainWhenTheCacheIsDamaged() throws IOException {
        compileAndRun();
        Path file = cached();
        byte[] good = Files.readAllBytes(file);
        long seed = Long.getLong("geodesic.seed", new Random().nextLong());
        Random random = new Random(seed);
        for (int i = 0; i < 20; i++) {
            byte[] bad = i % 4 == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
            if (bad.length > 0) {
                bad[random.nextInt(bad.length)] ^= (byte) (1 + random.nextInt(255));
            }
            Files.write(file, bad);
            assertTrue(new CompiledCache(Optional.of(cache)).read(PROGRAM).isEmpty(), "seed " + seed);
            assertFalse(Files.exists(file));
        }
        Files.write(file, new byte[] {1, 2, 3});
        compileAndRun();
        assertEquals(good.length, Files.size(cached()));
    }

    @Test
    void whatACrashLeftInTheCacheIsRemoved() throws IOException {
        Path left = Files.writeString(cache.resolve("new1.part"), "half");
        Path beingWritten = Files.writeString(cache.resolve("new2.part"), "half");
        Files.setLastModifiedTime(left, FileTime.from(Instant.now().minus(Duration.ofMinutes(61))));
        compileAndRun();
        assertTrue(Files.notExists(left));
        Files.delete(beingWritten);
        assertTrue(Files.exists(cached()));
    }

    @Test
    void acceptsNoForeignCodeWithAGoodDigest() throws IOException {
        compileAndRun();
        new CompiledCache(Optional.of(cache)).write(PROGRAM, "not made by this version".getBytes(StandardCharsets.UTF_8));
        compileAndRun();
    }

    @Test
    void worksWithoutTheCachesDirectory() throws IOException {
        Path blocked = Files.writeString(cache.resolve("file"), "");
        cache = blocked.resolve("below");
        compileAndRun();
    }
}
