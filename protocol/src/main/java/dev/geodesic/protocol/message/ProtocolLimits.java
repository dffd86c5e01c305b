package dev.geodesic.protocol.message;

/** Bounds of single messages; those of queues belong to whoever owns the queue. */
public final class ProtocolLimits {

    /** One inbound WebSocket message after reassembly (spec/websocket.md section 10). */
    public static final int INBOUND_BYTES_MAX = 32 << 20;

    /** Messages in one v3 payload; as many as may wait on a connection. */
    public static final int MESSAGES_PER_PAYLOAD_MAX = 16_384;

    /** Query texts in one message. */
    public static final int QUERIES_PER_MESSAGE_MAX = 10_000;

    /** Uncompressed bytes that the server joins into one v3 payload; a single bigger message travels alone. */
    public static final int BATCH_BYTES_MAX = 512 << 10;

    /** Uncompressed BSATN of at most this size is never compressed (spec/websocket.md section 2). */
    public static final int COMPRESSION_THRESHOLD_BYTES = 1024;

    /** What a client of this package is willing to decompress. */
    public static final int DECOMPRESSED_BYTES_MAX = 1 << 30;

    /** JSON text of one message; four bytes of a row can be an array of billions of units. */
    public static final int JSON_BYTES_MAX = 1 << 28;

    /** Characters of a session id (spec/websocket.md 11). */
    public static final int SESSION_ID_LENGTH_MAX = 128;

    private ProtocolLimits() {
    }
}
