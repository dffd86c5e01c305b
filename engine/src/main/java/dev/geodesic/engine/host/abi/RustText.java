package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.host.runtime.WasmFrame;
import java.time.Duration;
import java.util.Locale;

/** Text the way Rust prints it, where it can be seen in a log. */
final class RustText {

    private static final int HASH_LENGTH = 17;

    private RustText() {
    }

    /** A string in double quotes with escapes. */
    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case 0 -> out.append("\\0");
                default -> {
                    if (Character.isISOControl(c)) {
                        out.append("\\u{").append(Integer.toHexString(c)).append('}');
                    } else {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        return out.append('"').toString();
    }

    /** A duration in its largest unit, as {@code 1.234567ms}; a clock that went back counts as no time. */
    static String duration(Duration duration) {
        long nanos = duration.isNegative() ? 0 : duration.toNanos();
        if (nanos >= 1_000_000_000L) {
            return decimal(nanos, 1_000_000_000L, 9) + "s";
        }
        if (nanos >= 1_000_000L) {
            return decimal(nanos, 1_000_000L, 6) + "ms";
        }
        return nanos >= 1_000L ? decimal(nanos, 1_000L, 3) + "\u00b5s" : nanos + "ns";
    }

    private static String decimal(long value, long unit, int digits) {
        String fraction = String.format(Locale.ROOT, "%0" + digits + "d", value % unit).replaceAll("0+$", "");
        return value / unit + (fraction.isEmpty() ? "" : "." + fraction);
    }

    /** A frame with the function's name as written in the source, if it is in the older of Rust's two forms. */
    static WasmFrame demangle(WasmFrame frame) {
        return new WasmFrame(frame.moduleName(), demangle(frame.functionName()));
    }

    /** {@code _ZN4core9panicking5panic17h0123456789abcdefE} to {@code core::panicking::panic}; others unchanged. */
    static String demangle(String symbol) {
        int at = symbol.startsWith("_ZN") ? 3 : symbol.startsWith("ZN") ? 2 : -1;
        if (at < 0 || !symbol.endsWith("E")) {
            return symbol;
        }
        StringBuilder out = new StringBuilder();
        int end = symbol.length() - 1;
        while (at < end) {
            int length = 0;
            while (at < end && length <= end && symbol.charAt(at) >= '0' && symbol.charAt(at) <= '9') {
                length = length * 10 + (symbol.charAt(at++) - '0');
            }
            if (length == 0 || length > end - at) {
                return symbol;
            }
            String part = symbol.substring(at, at + length);
            at += length;
            if (at == end && length == HASH_LENGTH && part.charAt(0) == 'h') {
                break;
            }
            out.append(out.isEmpty() ? "" : "::").append(unescape(part));
        }
        return out.isEmpty() ? symbol : out.toString();
    }

    private static String unescape(String part) {
        String text = part.startsWith("_$") ? part.substring(1) : part;
        return text.replace("$LT$", "<").replace("$GT$", ">").replace("$RF$", "&").replace("$BP$", "*").replace("$LP$", "(")
                .replace("$RP$", ")").replace("$C$", ",").replace("$SP$", "@").replace("$u20$", " ").replace("$u27$", "'")
                .replace("$u5b$", "[").replace("$u5d$", "]").replace("$u7b$", "{").replace("$u7d$", "}").replace("$u3b$", ";")
                .replace("$u2b$", "+").replace("$u22$", "\"").replace("..", "::");
    }
}
