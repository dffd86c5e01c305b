package dev.geodesic.web.ws.frame;

import dev.geodesic.protocol.message.CloseReason;

/**
 * What a {@link FrameDecoder} finds, on the thread that decodes. Arrays belong to the decoder: they are only valid during the
 * call.
 */
public interface FrameListener {

    /** A whole message. Text is valid UTF-8. */
    void message(boolean isText, byte[] bytes, int offset, int length);

    /** To be answered by a pong with the same payload. */
    void ping(byte[] bytes, int offset, int length);

    void pong();

    /** The client closes the connection: nothing that follows is looked at. The code is 1005 if it gave none. */
    void closed(CloseReason reason);

    /** The client breaks the protocol: nothing that follows is looked at. */
    void failed(CloseReason reason);
}
