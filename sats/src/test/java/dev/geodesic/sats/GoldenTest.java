package dev.geodesic.sats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.sats.JsonValue.JsonNull;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Vectors;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Vectors computed by the published crates; {@code src/test/rust/golden} makes them. */
class GoldenTest {

    private static void forEachLine(String file, Consumer<Line> check) {
        int number = 0;
        for (String text : Vectors.lines(GoldenTest.class, "/golden/" + file)) {
            number++;
            try {
                check.accept(new Line(Json.parse(text)));
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(file + " line " + number + ": " + e.getMessage() + "\n" + text, e);
            }
        }
    }

    private record Line(JsonValue json) {
        JsonValue get(String name) {
            return ((JsonValue.JsonObject) json).get(name).orElseThrow();
        }

        String text(String name) {
            return ((JsonString) get(name)).value();
        }

        int number(String name) {
            return Integer.parseInt(((JsonNumber) get(name)).text());
        }

        byte[] bytes(String name) {
            return HexFormat.of().parseHex(text(name));
        }

        boolean isNull(String name) {
            return get(name) instanceof JsonNull;
        }

        AlgebraicType type() {
            return TypeJson.read(get("type"));
        }
    }

    @Test
    @Proves("bsatn.md 1")
    @Proves("bsatn.md 3")
    void types() {
        forEachLine("types.jsonl", line -> {
            AlgebraicType type = line.type();
            assertArrayEquals(line.bytes("hex"), TypeCodec.encode(type));
            assertEquals(type, TypeCodec.read(new BsatnReader(line.bytes("hex"))));
            assertEquals(line.text("text"), TypeText.of(type));
            JsonWriter json = new JsonWriter();
            TypeJson.write(type, json);
            assertEquals(type, TypeJson.read(Json.parse(json.toByteArray())));
        });
    }

    @Test
    @Proves("bsatn.md 2")
    void values() {
        forEachLine("values.jsonl", line -> {
            AlgebraicType type = line.type();
            byte[] value = line.bytes("hex");
            Bsatn.check(type, value, 0, value.length);
            assertEquals(line.text("untyped"), SatsJson.toString(type, value, SatsJson.Flavor.UNTYPED));
            // The crate's writer for values with a type shows unit as {}, the documents of the server show [].
            assertEquals(
                    line.text("typed").replace("{}", "[]"), SatsJson.toString(type, value, SatsJson.Flavor.TYPED));
            if (!line.text("typed").contains("null")) {
                for (String form : new String[] {"typed", "untyped"}) {
                    BsatnWriter out = new BsatnWriter();
                    SatsJson.read(type, Json.parse(line.text(form)), out);
                    assertArrayEquals(value, out.toByteArray());
                }
            }
        });
    }

    @Test
    @Proves("bsatn.md 2.1")
    void damagedBytes() {
        forEachLine("bytes.jsonl", line -> {
            BsatnReader in = new BsatnReader(line.bytes("hex"));
            if (line.isNull("length")) {
                assertThrows(BsatnException.class, () -> Bsatn.skip(in, line.type()));
            } else {
                Bsatn.skip(in, line.type());
                assertEquals(line.number("length"), in.position());
            }
        });
    }

    @Test
    @Proves("bsatn.md 5")
    void order() {
        forEachLine("order.jsonl", line -> {
            ValueComparator comparator = new ValueComparator(line.type());
            assertEquals(line.number("order"), Integer.signum(comparator.compare(line.bytes("a"), line.bytes("b"))));
            assertEquals(-line.number("order"), Integer.signum(comparator.compare(line.bytes("b"), line.bytes("a"))));
        });
    }

    @Test
    @Proves("bsatn.md 6")
    void jsonTexts() {
        forEachLine("json.jsonl", line -> {
            byte[] json = line.text("json").getBytes(java.nio.charset.StandardCharsets.UTF_8);
            BsatnWriter out = new BsatnWriter();
            if (line.isNull("hex")) {
                BsatnException e = assertThrows(BsatnException.class, () -> SatsJson.read(line.type(), json, out));
                assertEquals(BsatnException.Code.BAD_JSON, e.code());
                assertNotEquals("", e.getMessage());
            } else {
                SatsJson.read(line.type(), json, out);
                assertEquals(line.text("hex"), HexFormat.of().formatHex(out.toByteArray()));
            }
        });
    }
}
