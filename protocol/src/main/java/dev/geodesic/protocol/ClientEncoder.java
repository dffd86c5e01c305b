package dev.geodesic.protocol;

import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.v1.V1ClientCodec;
import dev.geodesic.protocol.v1.V1JsonClientCodec;
import dev.geodesic.protocol.v2.V2ClientCodec;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.JsonWriter;
import java.util.List;

/** Turns requests into the WebSocket messages of a client. Stateless and thread-safe. */
public final class ClientEncoder {

    private final Subprotocol subprotocol;

    public ClientEncoder(Subprotocol subprotocol) {
        this.subprotocol = subprotocol;
    }

    /** @throws IllegalArgumentException if the subprotocol has no such message */
    public Frame encode(ClientMessage message) {
        if (subprotocol.isText()) {
            JsonWriter out = new JsonWriter();
            V1JsonClientCodec.write(out, message);
            return new Frame(true, out.buffer(), out.length());
        }
        BsatnWriter out = new BsatnWriter();
        write(out, message);
        return new Frame(false, out.buffer(), out.length());
    }

    /** All in one payload, which only v3 allows. */
    public Frame encodeAll(List<? extends ClientMessage> messages) {
        if (subprotocol != Subprotocol.V3 || messages.isEmpty()) {
            throw new IllegalArgumentException("only v3 takes several messages in one payload");
        }
        BsatnWriter out = new BsatnWriter();
        messages.forEach(message -> write(out, message));
        return new Frame(false, out.buffer(), out.length());
    }

    private void write(BsatnWriter out, ClientMessage message) {
        if (subprotocol.isV1()) {
            V1ClientCodec.write(out, message);
        } else {
            V2ClientCodec.write(out, message);
        }
    }
}
