package dev.geodesic.web.ws;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** A way to carry messages: makes a connection whose handshake is accepted a WebSocket, and gives it a {@link Session}. */
@FunctionalInterface
interface Transport {

    void accept(HttpServletRequest request, HttpServletResponse response, Handshake handshake)
            throws IOException, ServletException;
}
