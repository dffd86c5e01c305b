package dev.geodesic.web.ws.frame;

/** Bits of the first byte of a frame (RFC 6455 section 5.2). */
public final class Opcode {

    public static final int CONTINUATION = 0;
    public static final int TEXT = 1;
    public static final int BINARY = 2;
    public static final int CLOSE = 8;
    public static final int PING = 9;
    public static final int PONG = 10;

    /** The last frame of its message. */
    public static final int FIN = 0x80;

    /** Set for opcodes of control frames. */
    static final int CONTROL_BIT = 8;
    /** Reserved bits: none is used without an extension. */
    static final int RESERVED_BITS = 0x70;
    static final int OPCODE_BITS = 0x0f;
    /** Longest payload of a control frame. */
    static final int CONTROL_BYTES_MAX = 125;

    private Opcode() {
    }
}
