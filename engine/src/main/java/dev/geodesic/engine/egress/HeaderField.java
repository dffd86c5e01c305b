package dev.geodesic.engine.egress;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;

/** One line of a header; the value is bytes of no known charset. */
public record HeaderField(String name, byte[] value) {

    private static final String TOKEN_MARKS = "!#$%&'*+-.^_`|~";

    /** What belongs to the connection, which is ours. */
    private static final Set<String> CONNECTION = Set.of("host", "content-length", "transfer-encoding", "connection",
            "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect");

    boolean is(String other) {
        return name.equalsIgnoreCase(other);
    }

    boolean isOfConnection() {
        return CONNECTION.contains(name.toLowerCase(Locale.ROOT));
    }

    /** Whether it can stand in a header without becoming something else. */
    boolean isValid() {
        if (name.isEmpty() || !name.chars().allMatch(HeaderField::isTokenChar)) {
            return false;
        }
        for (byte b : value) {
            if ((b & 0xff) < ' ' && b != '\t' || b == 0x7f) {
                return false;
            }
        }
        return true;
    }

    static boolean isTokenChar(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || TOKEN_MARKS.indexOf(c) >= 0;
    }

    String text() {
        return new String(value, StandardCharsets.ISO_8859_1);
    }

    public static HeaderField of(String name, String text) {
        return new HeaderField(name, text.getBytes(StandardCharsets.ISO_8859_1));
    }
}
