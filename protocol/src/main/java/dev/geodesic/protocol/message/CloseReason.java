package dev.geodesic.protocol.message;

import java.nio.charset.StandardCharsets;

/**
 * Code and text of a close frame (spec/websocket.md section 10). A frame carries at most 123 bytes of text, so a longer
 * reason is cut at a character boundary; upstream drops the connection without a word instead.
 */
public record CloseReason(int code, String reason) {

    public static final int REASON_BYTES_MAX = 123;

    /** The database was deleted, reset, stopped or updated with a plan that breaks clients. */
    public static final CloseReason MODULE_EXITED = new CloseReason(1001, "module exited");
    /** The queue of unprocessed messages of the connection is full. */
    public static final CloseReason TOO_MANY_REQUESTS = new CloseReason(1013, "too many requests");

    /** Another connection of the same identity holds the session id that the client asked for (spec/websocket.md 11). */
    public static final CloseReason SESSION_IN_USE = new CloseReason(4000, "the session id is in use by another connection");

    public CloseReason {
        reason = truncate(reason);
    }

    /** 1011: an undecodable or forbidden message. */
    public static CloseReason error(String reason) {
        return new CloseReason(1011, reason);
    }

    private static String truncate(String text) {
        if (text.length() * 3L <= REASON_BYTES_MAX) {
            return text;
        }
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        if (utf8.length <= REASON_BYTES_MAX) {
            return text;
        }
        int end = REASON_BYTES_MAX;
        while ((utf8[end] & 0xc0) == 0x80) {
            end--;
        }
        return new String(utf8, 0, end, StandardCharsets.UTF_8);
    }
}
