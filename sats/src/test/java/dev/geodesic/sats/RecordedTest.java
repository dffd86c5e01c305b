package dev.geodesic.sats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.SatsJson.Flavor;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Vectors;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values read from a running server of the reference. */
class RecordedTest {

    private static List<JsonValue> recorded(String section) {
        JsonObject file = (JsonObject) Json.parse(Vectors.bytes(RecordedTest.class, "/golden/recorded.json"));
        List<JsonValue> lines = ((JsonArray) file.get(section).orElseThrow()).items();
        assertFalse(lines.isEmpty());
        return lines;
    }

    private static JsonValue get(JsonValue line, String name) {
        return ((JsonObject) line).get(name).orElseThrow();
    }

    private static byte[] bytes(JsonValue line) {
        return HexFormat.of().parseHex(((JsonString) get(line, "hex")).value());
    }

    @Test
    @Proves("bsatn.md 2")
    @Proves("bsatn.md 4")
    @Proves("bsatn.md 6.1")
    @Proves("bsatn.md 11")
    void values() {
        for (JsonValue line : recorded("values")) {
            AlgebraicType type = TypeJson.read(get(line, "type"));
            byte[] value = bytes(line);
            Bsatn.check(type, value, 0, value.length);
            // The file went through another JSON library, which writes 1e+38 where the server writes 1e38.
            String expected = new JsonWriter().write(get(line, "json_untyped")).toString().replace("e+", "e");
            assertEquals(expected, SatsJson.toString(type, value, Flavor.UNTYPED));
            if (!expected.contains("null")) {
                BsatnWriter out = new BsatnWriter();
                SatsJson.read(type, get(line, "json_untyped"), out);
                assertArrayEquals(value, out.toByteArray(), expected);
            }
        }
    }

    @Test
    @Proves("bsatn.md 3")
    @Proves("bsatn.md 6.3")
    void types() {
        for (JsonValue line : recorded("types")) {
            AlgebraicType type = TypeJson.read(get(line, "type"));
            assertArrayEquals(bytes(line), TypeCodec.encode(type));
            assertEquals(type, TypeCodec.read(new BsatnReader(bytes(line))));
            JsonWriter json = new JsonWriter();
            TypeJson.write(type, json);
            assertEquals(new JsonWriter().write(get(line, "type")).toString(), json.toString());
        }
    }

    @Test
    @Proves("bsatn.md 2.1")
    void invalid() {
        for (JsonValue line : recorded("invalid")) {
            AlgebraicType type = TypeJson.read(get(line, "type"));
            assertThrows(BsatnException.class, () -> Bsatn.skip(new BsatnReader(bytes(line)), type), line::toString);
        }
    }

    private static final ProductType POINT =
            ProductType.of(ProductElement.of("x", PrimitiveType.I32), ProductElement.of("y", PrimitiveType.I32));

    private static final ProductType COMPOUNDS = ProductType.of(
            ProductElement.of("id", PrimitiveType.U32),
            ProductElement.of("color", SumType.of(
                    SumVariant.of("red", ProductType.UNIT),
                    SumVariant.of("green", ProductType.UNIT),
                    SumVariant.of("darkBlue", ProductType.UNIT))),
            ProductElement.of("shape", SumType.of(
                    SumVariant.of("empty", ProductType.UNIT),
                    SumVariant.of("circle", PrimitiveType.F32),
                    SumVariant.of("box", ProductType.of(
                            ProductElement.of("top_left", POINT), ProductElement.of("size_2_d", POINT))))),
            ProductElement.of("point", POINT),
            ProductElement.of("opt_text", SpecialTypes.option(PrimitiveType.STRING)),
            ProductElement.of("opt_num", SpecialTypes.option(PrimitiveType.U64)),
            ProductElement.of("opt_point", SpecialTypes.option(POINT)),
            ProductElement.of("res", SpecialTypes.result(PrimitiveType.U32, PrimitiveType.STRING)),
            ProductElement.of("bytes", ArrayType.BYTES),
            ProductElement.of("nums", new ArrayType(PrimitiveType.I32)),
            ProductElement.of("words", new ArrayType(PrimitiveType.STRING)),
            ProductElement.of("points", new ArrayType(POINT)),
            ProductElement.of("nested", new ArrayType(ArrayType.BYTES)));

    /** Arguments of a call, and the row they became, from the recorded scenario of the JSON WebSocket. */
    @Test
    @Proves("bsatn.md 6.2")
    void callArgumentsAndStoredRow() {
        String args = """
                {"id": 1, "color": {"darkBlue": []}, "shape": {"box": {"top_left": [1, 2], "size_2_d": [3, 4]}},
                "point": [5, 6], "opt_text": {"some": "t"}, "opt_num": null, "opt_point": [0, [7, 8]], "res": {"err": "bad"},
                "bytes": "00ff", "nums": [1, -2], "words": ["a", "b"], "points": [[1, 2]], "nested": ["01", "", [2, 3]]}""";
        BsatnWriter out = new BsatnWriter();
        SatsJson.read(COMPOUNDS, Json.parse(args), out);
        byte[] row = out.toByteArray();
        assertEquals(
                "{\"id\":1,\"color\":[2,{}],\"shape\":[2,{\"top_left\":{\"x\":1,\"y\":2},\"size_2_d\":{\"x\":3,\"y\":4}}],"
                        + "\"point\":{\"x\":5,\"y\":6},\"opt_text\":[0,\"t\"],\"opt_num\":[1,{}],"
                        + "\"opt_point\":[0,{\"x\":7,\"y\":8}],"
                        + "\"res\":[1,\"bad\"],\"bytes\":\"00ff\",\"nums\":[1,-2],\"words\":[\"a\",\"b\"],\"points\":[[1,2]],"
                        + "\"nested\":[\"01\",\"\",\"0203\"]}",
                SatsJson.toString(COMPOUNDS, row, Flavor.STORED));
        assertEquals(
                "[1,[2,[]],[2,[[1,2],[3,4]]],[5,6],[0,\"t\"],[1,[]],[0,[7,8]],[1,\"bad\"],\"00ff\","
                        + "[1,-2],[\"a\",\"b\"],[[1,2]],[\"01\",\"\",\"0203\"]]",
                SatsJson.toString(COMPOUNDS, row, Flavor.UNTYPED));
    }
}
