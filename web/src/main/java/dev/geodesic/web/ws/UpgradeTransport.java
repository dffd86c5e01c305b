package dev.geodesic.web.ws;

import dev.geodesic.web.ws.frame.OpeningHandshake;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** Frames of our own on the streams of an upgraded connection: one write for all messages that wait. */
final class UpgradeTransport implements Transport {

    private final Transport afterDispatch = new JakartaTransport();

    @Override
    public void accept(HttpServletRequest request, HttpServletResponse response, Handshake handshake)
            throws IOException, ServletException {
        if (request.getDispatcherType() == DispatcherType.ASYNC) {
            // Open Liberty ends a connection that is upgraded after its request has waited, here for the keys of an issuer.
            afterDispatch.accept(request, response, handshake);
            return;
        }
        response.setStatus(HttpServletResponse.SC_SWITCHING_PROTOCOLS);
        response.setHeader("Upgrade", "websocket");
        // Not "Upgrade, close", by which Liberty would end the TCP connection sooner: there are clients that compare the whole.
        response.setHeader("Connection", "Upgrade");
        response.setHeader("Sec-WebSocket-Accept", OpeningHandshake.accept(request.getHeader("Sec-WebSocket-Key")));
        response.setHeader("Sec-WebSocket-Protocol", handshake.subprotocol().headerValue());
        request.upgrade(UpgradedConnection.class).accepted(handshake);
    }
}
