package dev.geodesic.web.ws.frame;

import dev.geodesic.protocol.message.CloseReason;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Frames of a client, out of bytes that come in pieces of any size (RFC 6455 sections 5 and 8.1). Everything that is given is
 * taken at once, so the buffer of a read can be used again; what lies in it as a whole is handed on without a copy. Memory is
 * held for the part of an unfinished message that has come, and not for what a frame announces. Nothing is thrown, whatever
 * comes; the first error ends the decoding. Not thread-safe.
 */
public final class FrameDecoder {

    private static final byte[] EMPTY = {};
    private static final int MASK_BIT = 0x80;
    private static final int LENGTH_BITS = 0x7f;
    private static final int MASK_BYTES = 4;
    private static final int LENGTH_OF_2_BYTES = 126;
    private static final int LENGTH_OF_8_BYTES = 127;
    private static final int HEADER_BYTES_MAX = 2 + Long.BYTES + MASK_BYTES;

    private final int messageBytesMax;
    private final FrameListener listener;
    private final Utf8 utf8 = new Utf8();

    private boolean ended;

    // The frame that has begun.
    private final byte[] header = new byte[HEADER_BYTES_MAX];
    private int headerLength;
    private int headerNeeded = 2;
    private boolean inPayload;
    private int mask;
    /** Bytes of its payload that are still to come. */
    private int missing;

    // The message that has begun, if inMessage.
    private boolean inMessage;
    private boolean isText;
    private byte[] message = EMPTY;
    private int messageLength;

    private byte[] control = EMPTY;
    private int controlLength;

    /** @param messageBytesMax longest payload of a message, in one frame or in many */
    public FrameDecoder(int messageBytesMax, FrameListener listener) {
        this.messageBytesMax = messageBytesMax;
        this.listener = listener;
    }

    /**
     * Takes all bytes given; their array is changed.
     *
     * @return false once the listener has been told of the end; more bytes are ignored then
     */
    public boolean decode(byte[] bytes, int offset, int length) {
        int at = offset;
        int end = offset + length;
        while (at < end && !ended) {
            at = inPayload ? payload(bytes, at, end) : header(bytes, at, end);
        }
        return !ended;
    }

    // ---- header ----

    private int header(byte[] bytes, int from, int end) {
        int at = from;
        while (at < end) {
            header[headerLength++] = bytes[at++];
            if (headerLength == 2 && !begin()) {
                return end;
            }
            if (headerLength == headerNeeded) {
                if (!beginPayload()) {
                    return end;
                }
                // Also a frame without payload has its end.
                return missing == 0 ? payload(bytes, at, at) : at;
            }
        }
        return at;
    }

    /** The first two bytes are there. */
    private boolean begin() {
        int first = header[0];
        int opcode = first & Opcode.OPCODE_BITS;
        int length = header[1] & LENGTH_BITS;
        boolean isControl = (opcode & Opcode.CONTROL_BIT) != 0;
        if ((first & Opcode.RESERVED_BITS) != 0) {
            return violated("a reserved bit is set");
        }
        if (isControl ? opcode > Opcode.PONG : opcode > Opcode.BINARY) {
            return violated("unknown opcode " + opcode);
        }
        if ((header[1] & MASK_BIT) == 0) {
            return violated("the frame is not masked");
        }
        if (isControl && (first & Opcode.FIN) == 0) {
            return violated("a control frame is fragmented");
        }
        if (isControl && length > Opcode.CONTROL_BYTES_MAX) {
            return violated("a control frame has more than 125 bytes");
        }
        if (opcode == Opcode.CONTINUATION && !inMessage) {
            return violated("a continuation of nothing");
        }
        if ((opcode == Opcode.TEXT || opcode == Opcode.BINARY) && inMessage) {
            return violated("a message begins within another");
        }
        headerNeeded = 2 + MASK_BYTES
                + (length == LENGTH_OF_2_BYTES ? Short.BYTES : length == LENGTH_OF_8_BYTES ? Long.BYTES : 0);
        return true;
    }

    private boolean beginPayload() {
        int at = 2;
        long length = header[1] & LENGTH_BITS;
        if (length >= LENGTH_OF_2_BYTES) {
            boolean isLong = length == LENGTH_OF_8_BYTES;
            length = 0;
            for (int to = at + (isLong ? Long.BYTES : Short.BYTES); at < to; at++) {
                length = length << 8 | header[at] & 0xff;
            }
            if (length < 0) {
                return violated("a length with the highest bit set");
            }
            if (length < (isLong ? 1 << 16 : LENGTH_OF_2_BYTES)) {
                return violated("a length that is not in its shortest form");
            }
        }
        mask = (header[at] & 0xff) << 24 | (header[at + 1] & 0xff) << 16 | (header[at + 2] & 0xff) << 8 | header[at + 3] & 0xff;
        headerLength = 0;
        headerNeeded = 2;
        int opcode = opcode();
        if ((opcode & Opcode.CONTROL_BIT) == 0) {
            if (length > messageBytesMax - messageLength) {
                return fail(CloseCodes.TOO_BIG, "the message is too big");
            }
            if (opcode != Opcode.CONTINUATION) {
                inMessage = true;
                isText = opcode == Opcode.TEXT;
            }
        }
        missing = (int) length;
        inPayload = true;
        return true;
    }

    private int opcode() {
        return header[0] & Opcode.OPCODE_BITS;
    }

    private boolean isFinal() {
        return (header[0] & Opcode.FIN) != 0;
    }

    // ---- payload ----

    private int payload(byte[] bytes, int from, int end) {
        int count = Math.min(missing, end - from);
        mask = Mask.apply(bytes, from, count, mask);
        missing -= count;
        if ((opcode() & Opcode.CONTROL_BIT) != 0) {
            control(bytes, from, count);
        } else {
            data(bytes, from, count);
        }
        inPayload = missing > 0;
        return from + count;
    }

    private void data(byte[] bytes, int offset, int count) {
        if (isText && !utf8.accept(bytes, offset, count)) {
            fail(CloseCodes.INVALID_DATA, "the text is not valid UTF-8");
            return;
        }
        boolean isComplete = missing == 0 && isFinal();
        if (isComplete && messageLength == 0) {
            finish(bytes, offset, count);
            return;
        }
        append(bytes, offset, count);
        if (isComplete) {
            byte[] whole = message;
            int length = messageLength;
            message = EMPTY;
            messageLength = 0;
            finish(whole, 0, length);
        }
    }

    private void append(byte[] bytes, int offset, int count) {
        int needed = messageLength + count;
        if (needed > message.length) {
            // Twice what has come, but not more than this frame can bring if it is the last one.
            long twice = Math.max(needed, 2L * message.length);
            long announced = isFinal() ? needed + (long) missing : messageBytesMax;
            message = Arrays.copyOf(message, (int) Math.min(twice, announced));
        }
        System.arraycopy(bytes, offset, message, messageLength, count);
        messageLength = needed;
    }

    private void finish(byte[] bytes, int offset, int length) {
        inMessage = false;
        if (isText && !utf8.isComplete()) {
            fail(CloseCodes.INVALID_DATA, "the text ends inside of a character");
            return;
        }
        listener.message(isText, bytes, offset, length);
    }

    private void control(byte[] bytes, int offset, int count) {
        if (missing == 0 && controlLength == 0) {
            control(opcode(), bytes, offset, count);
            return;
        }
        if (control.length == 0) {
            control = new byte[Opcode.CONTROL_BYTES_MAX];
        }
        System.arraycopy(bytes, offset, control, controlLength, count);
        controlLength += count;
        if (missing == 0) {
            int length = controlLength;
            controlLength = 0;
            control(opcode(), control, 0, length);
        }
    }

    private void control(int opcode, byte[] bytes, int offset, int length) {
        switch (opcode) {
            case Opcode.PING -> listener.ping(bytes, offset, length);
            case Opcode.PONG -> listener.pong();
            default -> close(bytes, offset, length);
        }
    }

    private void close(byte[] bytes, int offset, int length) {
        if (length == 0) {
            end();
            listener.closed(new CloseReason(CloseCodes.NO_STATUS, ""));
            return;
        }
        if (length == 1) {
            violated("half a close code");
            return;
        }
        int code = (bytes[offset] & 0xff) << 8 | bytes[offset + 1] & 0xff;
        if (!CloseCodes.mayBeSent(code)) {
            violated("close code " + code + " may not be sent");
            return;
        }
        utf8.reset();
        if (!utf8.accept(bytes, offset + 2, length - 2) || !utf8.isComplete()) {
            fail(CloseCodes.INVALID_DATA, "the reason of the close frame is not valid UTF-8");
            return;
        }
        end();
        listener.closed(new CloseReason(code, new String(bytes, offset + 2, length - 2, StandardCharsets.UTF_8)));
    }

    // ---- the end ----

    private boolean violated(String what) {
        return fail(CloseCodes.PROTOCOL_ERROR, what);
    }

    private boolean fail(int code, String what) {
        end();
        listener.failed(new CloseReason(code, what));
        return false;
    }

    private void end() {
        ended = true;
        message = EMPTY;
        control = EMPTY;
    }
}
