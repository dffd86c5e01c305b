package dev.geodesic.engine.database;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.testkit.Vectors;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Programs with the definitions of the recorded variants, whose reducers {@code fill} and {@code fill_other} work. */
final class MigrationPrograms {

    private static final int EMPTY_ARRAY_AT = 7900;
    private static final int NAMES_AT = 8000;
    private static final int ROWS_AT = 8192;
    /** Returns no rows. */
    private static final String EMPTY_VIEW = "(i32.store (i32.const 32) (i32.const 4))"
            + "(drop (call $bytes_sink_write (local.get $sink) (i32.const " + EMPTY_ARRAY_AT + ") (i32.const 32))) (i32.const 0)";
    static final String TRAPPING_VIEW = "(unreachable)";

    private MigrationPrograms() {
    }

    private static byte[] resource(String name) {
        return Vectors.bytes(MigrationPrograms.class, "/golden/migration/" + name);
    }

    static byte[] of(String variant) {
        return of(variant, EMPTY_VIEW);
    }

    /** @param view the function that every anonymous view calls */
    static byte[] of(String variant, String view) {
        byte[] definition = resource(variant + ".bsatn");
        BsatnWriter rows = new BsatnWriter();
        row(rows, 1, true);
        int first = rows.length();
        row(rows, 2, false);
        int second = rows.length() - first;
        rows.writeU32(1);
        StringBuilder body = new StringBuilder();
        try {
            ModuleDef def = ModuleDef.decode(definition);
            body.append(inserting(def, "fill", "thing", 0, first, second));
            body.append(inserting(def, "fill_other", "other", first + second, 4));
        } catch (EngineException e) {
            assertEquals(ErrorCode.INVALID_MODULE_DEF, e.code());
        }
        return new TinyModule()
                .definition(definition)
                .imports("datastore_insert_bsatn", "table_id_from_name")
                .data(ROWS_AT, rows.toByteArray())
                .data(NAMES_AT, "thingother".getBytes(StandardCharsets.US_ASCII))
                .data(EMPTY_ARRAY_AT, new byte[4])
                .export("(func (export \"__call_view_anon__\") (param $id i32) (param $args i32) (param $sink i32) (result i32)"
                        + view + ")")
                .body(body + "(i32.const 0)")
                .wasm();
    }

    private static void row(BsatnWriter out, long id, boolean two) {
        out.writeU64(id);
        out.writeString("same");
        if (two) {
            out.writeU8(1);
            out.writeU32(9);
        } else {
            out.writeU8(0);
        }
        out.writeU32((int) id);
    }

    private static String inserting(ModuleDef def, String reducer, String table, int at, int... lengths) {
        Optional<ReducerDef> found = def.reducer(reducer);
        if (found.isEmpty()) {
            return "";
        }
        StringBuilder text = new StringBuilder("(if (i32.eq (local.get $id) (i32.const " + found.get().id() + ")) (then ");
        text.append("(drop (call $table_id_from_name (i32.const %d) (i32.const 5) (i32.const 84)))"
                .formatted(NAMES_AT + (table.equals("thing") ? 0 : 5)));
        int offset = ROWS_AT + at;
        for (int length : lengths) {
            text.append("(i32.store (i32.const 92) (i32.const %d))".formatted(length));
            text.append("(if (i32.ne (i32.const 0) (call $datastore_insert_bsatn "
                    + "(i32.load (i32.const 84)) (i32.const %d) (i32.const 92))) (then (unreachable)))".formatted(offset));
            offset += length;
        }
        return text.append("))").toString();
    }
}
