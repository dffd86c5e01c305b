package dev.geodesic.engine.host.http;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.testkit.Proves;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Encoded requests and responses, against bytes written by hand from the specification. */
@Proves("module-abi.md 5.9")
class HttpMessagesTest {

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    @Test
    void requestsAreMethodHeadersTimeoutUriVersion() {
        byte[] bytes = hex("02 01000000 02000000 6162 03000000 00ff01 00 0700000000000000 03000000 682f3f 02");
        HttpRequest request = HttpRequest.decode(bytes);
        assertEquals("POST", request.method().name());
        assertEquals("ab", request.headers().getFirst().name());
        assertArrayEquals(new byte[] {0, -1, 1}, request.headers().getFirst().value());
        assertEquals(OptionalLong.of(7), request.timeoutMicros());
        assertEquals("h/?", request.uri());
        assertEquals(HttpVersion.HTTP_1_1, request.version());
        assertArrayEquals(bytes, request.encode());
        byte[] bare = hex("09 03000000 666f6f 00000000 01 00000000 04");
        HttpRequest extension = HttpRequest.decode(bare);
        assertEquals(new HttpRequest(new HttpMethod("foo"), List.of(), OptionalLong.empty(), "", HttpVersion.HTTP_3), extension);
        assertArrayEquals(bare, extension.encode());
    }

    @Test
    void responsesAreHeadersVersionCode() {
        byte[] bytes = hex("01000000 01000000 61 00000000 03 9401");
        HttpResponse response = HttpResponse.decode(bytes);
        assertEquals(404, response.code());
        assertEquals(HttpVersion.HTTP_2, response.version());
        assertEquals("a", response.headers().getFirst().name());
        assertArrayEquals(bytes, response.encode());
        assertEquals(65_535, HttpResponse.decode(hex("00000000 00 ffff")).code());
    }

    @ParameterizedTest
    @CsvSource({"0, GET", "1, HEAD", "2, POST", "3, PUT", "4, DELETE", "5, CONNECT", "6, OPTIONS", "7, TRACE", "8, PATCH"})
    void methodsHaveTags(int tag, String name) {
        byte[] bytes = hex("0%d 00000000 01 00000000 00".formatted(tag));
        assertEquals(name, HttpRequest.decode(bytes).method().name());
        assertArrayEquals(bytes, HttpRequest.decode(bytes).encode());
    }

    @ParameterizedTest
    @CsvSource({
        "0a 00000000 01 00000000 00",            // method
        "00 00000000 02 00000000 00",            // option
        "00 00000000 01 00000000 05",            // version
        "00 00000000 01 00000000 00 00",         // a byte too many
        "00 00000000 01 01000000 ff 00",         // no UTF-8
        "00 ffffffff 01 00000000 00",            // four billion headers
        "00 01000000 ffffffff 00000000 01 00000000 00",
    })
    void refusesWhatIsNone(String bytes) {
        assertThrows(BsatnException.class, () -> HttpRequest.decode(hex(bytes)));
    }

    @Test
    void refusesTooManyHeaders() {
        for (int count : new int[] {HttpHeader.COUNT_MAX, HttpHeader.COUNT_MAX + 1}) {
            BsatnWriter out = new BsatnWriter();
            out.writeU32(count);
            out.writeRaw(new byte[8 * count]);
            out.writeU8(0);
            out.writeU16(200);
            if (count == HttpHeader.COUNT_MAX) {
                assertEquals(count, HttpResponse.decode(out.toByteArray()).headers().size());
            } else {
                assertThrows(BsatnException.class, () -> HttpResponse.decode(out.toByteArray()));
            }
        }
    }
}
