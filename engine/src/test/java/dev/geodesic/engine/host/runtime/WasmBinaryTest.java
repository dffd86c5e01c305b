package dev.geodesic.engine.host.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.wasmtime.Wat;
import dev.geodesic.testkit.Proves;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class WasmBinaryTest {

    private static final byte[] SAMPLE = Wat.toWasm("""
            (module
              (import "a" "f" (func (param i32 i64 f32 f64 v128 funcref externref) (result i32 i64)))
              (import "a" "t" (table 1 2 funcref))
              (import "a" "m" (memory 1))
              (import "b" "g" (global (mut i64)))
              (func (export "x") (param i64))
              (func $hidden)
              (export "again" (func 0))
              (export "mem" (memory 0))
              (table (export "tab") 1 funcref)
              (global (export "glo") i32 (i32.const 1)))
            """);

    @Test
    @Proves("module-abi.md 1")
    void readsImportsAndExports() {
        WasmBinary binary = WasmBinary.parse(SAMPLE);
        assertEquals(List.of("f", "t", "m", "g"), binary.imports().stream().map(WasmBinary.Import::name).toList());
        assertEquals(List.of(WasmBinary.Kind.FUNCTION, WasmBinary.Kind.TABLE, WasmBinary.Kind.MEMORY, WasmBinary.Kind.GLOBAL),
                binary.imports().stream().map(WasmBinary.Import::kind).toList());
        assertEquals("(i32, i64, f32, f64, v128, funcref, externref) -> (i32, i64)",
                binary.imports().getFirst().type().orElseThrow().toString());
        assertEquals("b", binary.imports().getLast().module());
        assertEquals(Optional.of(FunctionType.of("I:")), binary.export("x").orElseThrow().type());
        assertEquals(binary.imports().getFirst().type(), binary.export("again").orElseThrow().type());
        assertEquals(WasmBinary.Kind.MEMORY, binary.export("mem").orElseThrow().kind());
        assertEquals(WasmBinary.Kind.TABLE, binary.export("tab").orElseThrow().kind());
        assertEquals(WasmBinary.Kind.GLOBAL, binary.export("glo").orElseThrow().kind());
        assertTrue(binary.export("hidden").isEmpty());
    }

    private static void parsesOrRefuses(byte[] bytes) {
        try {
            WasmBinary.parse(bytes);
        } catch (EngineException e) {
            assertEquals(ErrorCode.INVALID_MODULE, e.code());
        }
    }

    @Property(tries = 500)
    void refusesNoise(@ForAll @Size(max = 60) byte[] noise) {
        parsesOrRefuses(noise);
        byte[] withHeader = Arrays.copyOf(SAMPLE, 8 + noise.length);
        System.arraycopy(noise, 0, withHeader, 8, noise.length);
        parsesOrRefuses(withHeader);
    }

    @Property(tries = 1000)
    void survivesDamage(@ForAll @Size(max = 4) int[] where, @ForAll byte value) {
        byte[] bytes = SAMPLE.clone();
        for (int i : where) {
            bytes[Math.floorMod(i, bytes.length)] = value;
        }
        parsesOrRefuses(bytes);
    }

    @Test
    void refusesEveryPrefixThatCutsASection() {
        for (int i = 0; i < SAMPLE.length; i++) {
            parsesOrRefuses(Arrays.copyOf(SAMPLE, i));
        }
    }
}
