package dev.geodesic.sats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    @ParameterizedTest
    @ValueSource(strings = {
        "null", "true", "false", "0", "-0", "-1", "12", "1.5", "-0.25e-7", "1E+10", "\"\"", "\"\\\"\\\\\"", "[]", "{}",
        "[null,[],{}]", "{\"a\":1,\"b\":{\"a\":[]},\"a\":2}", "\"ü€𝄞\"", "\"\\u0000\\u001f\\b\\f\\n\\r\\t\""
    })
    void keepsWhatItReads(String text) {
        assertEquals(text, new JsonWriter().write(Json.parse(text)).toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", " ", "nul", "nulll", "True", "NaN", "Infinity", "+1", "01", "-", "-a",
        "1.", ".5", "1e", "1e+", "0x1", "1 2", "[", "]", "[1",
        "[1,", "[1,]", "[,]", "[1 2]", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{'a':1}",
        "{\"a\" 1}", "{1:1}", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"",
        "\"\\udc00\"", "\"\\ud800\\", "\"a\nb\"", "\"\u0001\"", "// c\n1", "/**/1",
        "\ufeff1", "\u00a01", "1\u0000", "[1]]", "{}{}"
    })
    void refuses(String text) {
        BsatnException e = assertThrows(BsatnException.class, () -> Json.parse(text));
        assertEquals(BsatnException.Code.BAD_JSON, e.code());
    }

    @Test
    void refusesBytesThatAreNoUtf8() {
        for (String hex : new String[] {"22ff22", "22c080" + "22", "22eda080" + "22", "22f490808022", "22e282", "22c3", "80"}) {
            byte[] text = HexFormat.of().parseHex(hex);
            assertEquals(BsatnException.Code.BAD_UTF8, assertThrows(BsatnException.class, () -> Json.parse(text)).code());
        }
    }

    @Test
    void saysWhereTheErrorIs() {
        BsatnException e = assertThrows(BsatnException.class, () -> Json.parse("{\n  \"ü\": x}"));
        assertEquals("expected value at line 2 column 8", e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "5|", "[1]|", "{\"n\":1}|", "[\"1\",[]]|[0]", "{\"n\":-1,\"shapes\":[]}|.n",
        "[1,[{\"dot\":1},{\"dot\":\"x\"}]]|[1][1].dot",
        "[1,[[0,\"x\"]]]|[1][0][1]", "[1,[{\"line\":1}]]|[1][0]", "{\"n\":1,\"shapes\":{}}|.shapes"
    })
    void saysWhichPartOfAValueIsWrong(String text, String path) {
        ProductType type = ProductType.of(
                ProductElement.of("n", PrimitiveType.U8),
                ProductElement.of("shapes", new ArrayType(SumType.of(SumVariant.of("dot", PrimitiveType.I32)))));
        BsatnException e =
                assertThrows(BsatnException.class, () -> SatsJson.read(type, Json.parse(text), new BsatnWriter()));
        assertEquals(path == null ? "" : path, e.path());
    }

    @Test
    void everyCodePointSurvives() {
        StringBuilder all = new StringBuilder();
        for (int c = 0; c <= Character.MAX_CODE_POINT; c += c < 0x3000 ? 1 : 61) {
            if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
                all.appendCodePoint(c);
            }
        }
        byte[] text = new JsonWriter(1, JsonWriter.SIZE_MAX).string(all.toString()).toByteArray();
        assertEquals(new JsonValue.JsonString(all.toString()), Json.parse(text));
    }

    @Test
    void validUtf8IsWhatTheLibraryDecodesUnchanged() {
        dev.geodesic.testkit.Seeds.repeat(20_000, random -> {
            byte[] bytes = new byte[random.nextInt(12)];
            random.nextBytes(bytes);
            if (random.nextBoolean()) {
                byte[] text = new String(Character.toChars(random.nextInt(0xd800))).getBytes(StandardCharsets.UTF_8);
                System.arraycopy(text, 0, bytes, 0, Math.min(text.length, bytes.length));
            }
            boolean valid = java.util.Arrays.equals(
                    bytes, new String(bytes, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8));
            assertEquals(valid, Utf8.isValid(bytes, 0, bytes.length), HexFormat.of().formatHex(bytes));
        });
    }

    @Test
    void writesValues() {
        JsonWriter out = new JsonWriter(1, JsonWriter.SIZE_MAX);
        out.beginObject().key("n").number(Long.MIN_VALUE).key("u").unsigned(-1).key("a").beginArray();
        out.number(0).number(-7).number(1.0).number(0.1f).bool(true).nullValue().endArray();
        out.key("h").hexString(new byte[] {0, -1, 16}, 1, 2).key("s").string("a\u0001").endObject();
        assertEquals(
                "{\"n\":-9223372036854775808,\"u\":18446744073709551615,"
                        + "\"a\":[0,-7,1.0,0.1,true,null],\"h\":\"ff10\",\"s\":\"a\\u0001\"}",
                out.toString());
        out.clear();
        assertArrayEquals(new byte[] {'[', ']'}, out.beginArray().endArray().toByteArray());
    }

    @Test
    void writerHasALimit() {
        JsonWriter out = new JsonWriter(4, 10);
        out.beginArray().string("1234567");
        assertEquals(
                BsatnException.Code.TOO_LARGE, assertThrows(BsatnException.class, () -> out.string("1")).code());
        assertTrue(out.length() <= 10);
    }
}
