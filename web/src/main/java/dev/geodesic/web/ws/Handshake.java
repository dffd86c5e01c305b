package dev.geodesic.web.ws;

import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.protocol.ConnectParams;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.wire.Compression;
import java.util.concurrent.Executor;

/**
 * What the handshake settled, for the session.
 *
 * @param token shown to the client in the first message
 * @param compression that the server may use, which may be less than the client can decode
 * @param senders runs the sending of outboxes
 */
record Handshake(
        Database database,
        ClientInfo client,
        String token,
        Subprotocol subprotocol,
        ConnectParams params,
        Compression compression,
        Executor senders,
        Heartbeat heartbeat) {
}
