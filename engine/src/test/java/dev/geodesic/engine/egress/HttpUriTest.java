package dev.geodesic.engine.egress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpUriTest {

    private static String text(HttpUri uri) {
        return uri.shown() + uri.query();
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', value = {
        "http://a.test,http://a.test/",
        "HTTPS://A.test:443/x,https://a.test/x",
        "http://a.test:81?q=1#f,http://a.test:81/?q=1",
        "http://u:p@a.test/../b/./c/..,http://a.test/b/",
        "http://[::1]:8080/,http://[::1]:8080/",
        "http://a_b.test/x y\"|{}[]?z=<é>,http://a_b.test/x%20y%22|{}[]?z=%3C%C3%A9%3E",
        "http://a@b@c.test/,http://c.test/",
        "http://a.test/\\evil.test/,http://a.test/\\evil.test/",
        "http://bücher.test/,http://xn--bcher-kva.test/"})
    void parses(String in, String out) {
        assertEquals(out, text(HttpUri.parse(in)));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "a.test", "ftp://a.test/", "file:///etc/passwd", "http:/a.test", "http://", "http:///x", "http://a.test:0/",
        "http://a.test:65536/", "http://a.test:x/", "http://a b.test/", "http://[::1/", "http://[a]/", "http://[::1]x/",
        "http://a..test/", "http://a.test\\@b.test/", "http://a%00.test/", "http://a\r\nb.test/",
        "http://.test/", "http://[fe80::1%eth0]/"})
    void refuses(String in) {
        assertThrows(IllegalArgumentException.class, () -> HttpUri.parse(in));
    }

    @ParameterizedTest
    @CsvSource({
        "http://o.test/z,http://o.test/z", "//o.test:1/z,https://o.test:1/z", "/z?a,https://a.test/z?a",
        "?z,https://a.test/x/y?z", "z,https://a.test/x/z", "../../z/./w,https://a.test/z/w", "#f,https://a.test/x/y?q"})
    void resolvesRedirects(String location, String out) {
        assertEquals(out, text(HttpUri.parse("https://u:p@a.test/x/y?q#f").resolve(location)));
        assertEquals(true, HttpUri.parse("https://u:p@a.test/").resolve(location).userInfo().isEmpty());
    }

    @Test
    void longUrisAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> HttpUri.parse("http://a.test/" + "x".repeat(20_000)));
    }
}
