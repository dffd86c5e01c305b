package dev.geodesic.engine.database;

import dev.geodesic.engine.host.Guests;
import dev.geodesic.engine.host.wasmtime.Wat;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.TypeCodec;
import java.util.ArrayList;
import java.util.List;

/**
 * Programs of a few lines for what no compiler would make: public tables with one column {@code id u32}, reducers without
 * parameters, and a body in WebAssembly text. Definition version 9.
 */
final class TinyModule {

    /** Lifecycle of a reducer that has none. */
    static final int CALLABLE = -1;
    static final int INIT = 0;
    static final int ON_CONNECT = 1;
    static final int ON_DISCONNECT = 2;

    private static final int DEFINITION_AT = 1024;

    private record Reducer(String name, int lifecycle) {
    }

    private final List<String> tables = new ArrayList<>();
    private final List<Reducer> reducers = new ArrayList<>();
    private String imports = "";
    private String exports = "";
    private String segments = "";
    private byte[] definition;
    private String body = "(i32.const 0)";

    TinyModule table(String name) {
        tables.add(name);
        return this;
    }

    /** Reducers have their ids in this order. */
    TinyModule reducer(String name, int lifecycle) {
        reducers.add(new Reducer(name, lifecycle));
        return this;
    }

    TinyModule imports(String... names) {
        imports = Guests.imports(names);
        return this;
    }

    /** A definition of any version instead of what this class makes. */
    TinyModule definition(byte[] bytes) {
        definition = bytes;
        return this;
    }

    /** Bytes in memory, behind the definition. */
    TinyModule data(int offset, byte[] bytes) {
        segments += "(data (i32.const " + offset + ") \"" + escaped(bytes) + "\")\n";
        return this;
    }

    /** A function, as text. */
    TinyModule export(String function) {
        exports += function + "\n";
        return this;
    }

    private static String escaped(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte b : bytes) {
            text.append(String.format("\\%02x", b));
        }
        return text.toString();
    }

    /** Statements that leave the result of reducer {@code $id}; memory from 64 to 1023 is free. */
    TinyModule body(String text) {
        body = text;
        return this;
    }

    /** A body for one reducer; all others do nothing. */
    TinyModule body(int id, String text) {
        return body("(if (result i32) (i32.eq (local.get $id) (i32.const " + id + ")) (then " + text + ") (else (i32.const 0)))");
    }

    byte[] wasm() {
        byte[] bytes = definition == null ? definition().toByteArray() : definition;
        return Wat.toWasm("(module\n" + Guests.imports("bytes_sink_write") + imports + Guests.MEMORY + segments + exports + """
                (data (i32.const %d) "%s")
                (func (export "__describe_module__") (param i32)
                  (i32.store (i32.const 32) (i32.const %d))
                  (drop (call $bytes_sink_write (local.get 0) (i32.const %d) (i32.const 32))))
                (func (export "__call_reducer__")
                    (param $id i32) (param $s0 i64) (param $s1 i64) (param $s2 i64) (param $s3 i64)
                    (param $c0 i64) (param $c1 i64) (param $ts i64) (param $args i32) (param $err i32) (result i32)
                    (local $r i32) (local $n i32)
                """.formatted(DEFINITION_AT, escaped(bytes), bytes.length, DEFINITION_AT) + body + "))");
    }

    private BsatnWriter definition() {
        BsatnWriter out = new BsatnWriter();
        out.writeU8(1);
        AlgebraicType row = new ProductType(List.of(ProductElement.of("id", PrimitiveType.U32)));
        out.writeU32(tables.size());
        tables.forEach(t -> TypeCodec.write(out, row));
        out.writeU32(tables.size());
        for (int i = 0; i < tables.size(); i++) {
            out.writeString(tables.get(i));
            out.writeU32(i);
            // no primary key, indexes, constraints, sequences
            for (int k = 0; k < 4; k++) {
                out.writeU32(0);
            }
            out.writeU8(1); // no schedule
            out.writeU8(1); // user table
            out.writeU8(0); // public
        }
        out.writeU32(reducers.size());
        for (Reducer reducer : reducers) {
            out.writeString(reducer.name());
            out.writeU32(0);
            if (reducer.lifecycle() == CALLABLE) {
                out.writeU8(1);
            } else {
                out.writeU8(0);
                out.writeU8(reducer.lifecycle());
            }
        }
        out.writeU32(tables.size());
        for (int i = 0; i < tables.size(); i++) {
            out.writeU32(0);
            out.writeString("Row" + i);
            out.writeU32(i);
            out.writeBool(true);
        }
        out.writeU32(0);
        out.writeU32(0);
        return out;
    }
}
