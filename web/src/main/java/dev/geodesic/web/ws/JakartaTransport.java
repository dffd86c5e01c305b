package dev.geodesic.web.ws;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.websocket.DeploymentException;
import jakarta.websocket.server.ServerContainer;
import jakarta.websocket.server.ServerEndpointConfig;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** The WebSocket implementation of the container. Portable; one write for every message. */
final class JakartaTransport implements Transport {

    @Override
    public void accept(HttpServletRequest request, HttpServletResponse response, Handshake handshake)
            throws IOException, ServletException {
        ServerEndpointConfig config = ServerEndpointConfig.Builder
                .create(SubscribeEndpoint.class, "/v1/database/{name}/subscribe")
                .subprotocols(List.of(handshake.subprotocol().headerValue()))
                .build();
        config.getUserProperties().put(SubscribeEndpoint.HANDSHAKE, handshake);
        ServerContainer container =
                (ServerContainer) request.getServletContext().getAttribute(ServerContainer.class.getName());
        try {
            container.upgradeHttpToWebSocket(
                    request, response, config, Map.of("name", handshake.database().identity().toHex()));
        } catch (DeploymentException e) {
            throw new ServletException(e);
        }
    }
}
