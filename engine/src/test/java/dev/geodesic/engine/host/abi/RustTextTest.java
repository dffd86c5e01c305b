package dev.geodesic.engine.host.abi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RustTextTest {

    @ParameterizedTest
    @CsvSource({
        "0, 0ns", "-5, 0ns", "999, 999ns", "1000, 1\u00b5s", "1500, 1.5\u00b5s", "1234567, 1.234567ms", "100000000, 100ms",
        "1000000000, 1s", "61000000001, 61.000000001s"})
    void durations(long nanos, String text) {
        assertEquals(text, RustText.duration(Duration.ofNanos(nanos)));
    }

    @Test
    void quotes() {
        assertEquals("\"a\\\"b\\\\c\\n\\t\\r\\0\\u{1b}\u00e4\ud83d\ude00\"",
                RustText.quote("a\"b\\c\n\t\r\0\u001b\u00e4\ud83d\ude00"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "_ZN4core9panicking5panic17h0123456789abcdefE|core::panicking::panic",
        "_ZN55_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..Drop$GT$4drop17h0123456789abcdefE"
                + "|<alloc::vec::Vec<T> as core::Drop>::drop",
        "_ZN3foo3barE|foo::bar",
        "_ZN99fooE|_ZN99fooE",
        "_ZN99999999999999999999fooE|_ZN99999999999999999999fooE",
        "_ZN|_ZN",
        "_ZNE|_ZNE",
        "__call_reducer__|__call_reducer__"})
    void demangles(String symbol, String name) {
        assertEquals(name, RustText.demangle(symbol));
    }
}
