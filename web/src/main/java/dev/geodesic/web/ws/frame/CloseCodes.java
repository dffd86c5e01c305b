package dev.geodesic.web.ws.frame;

import dev.geodesic.protocol.message.CloseReason;
import java.nio.charset.StandardCharsets;

/** Close codes (RFC 6455 section 7.4) and payloads of close frames (5.5.1). */
public final class CloseCodes {

    public static final int NORMAL = 1000;
    public static final int PROTOCOL_ERROR = 1002;
    /** Never sent: the close frame had no code. */
    public static final int NO_STATUS = 1005;
    public static final int INVALID_DATA = 1007;
    public static final int TOO_BIG = 1009;

    private CloseCodes() {
    }

    /** Whether a peer may send this code: registered ones that are not reserved, and those for libraries and applications. */
    public static boolean mayBeSent(int code) {
        return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999;
    }

    /** Code and reason; none for {@link #NO_STATUS}. */
    public static byte[] payload(CloseReason reason) {
        if (reason.code() == NO_STATUS) {
            return new byte[0];
        }
        byte[] text = reason.reason().getBytes(StandardCharsets.UTF_8);
        byte[] payload = new byte[2 + text.length];
        payload[0] = (byte) (reason.code() >>> 8);
        payload[1] = (byte) reason.code();
        System.arraycopy(text, 0, payload, 2, text.length);
        return payload;
    }
}
