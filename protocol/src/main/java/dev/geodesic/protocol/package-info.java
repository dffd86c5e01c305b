/**
 * The WebSocket protocol (spec/websocket.md): four subprotocols, one model.
 *
 * <p>A request to upgrade is judged by {@link dev.geodesic.protocol.Subprotocol#negotiate} and
 * {@link dev.geodesic.protocol.ConnectParams#parse}. Then each connection has a {@link dev.geodesic.protocol.ClientDecoder},
 * which turns what arrives into {@link dev.geodesic.protocol.message.ClientMessage}s, and a
 * {@link dev.geodesic.protocol.ServerEncoder}, which turns {@link dev.geodesic.protocol.message.ServerMessage}s into
 * {@link dev.geodesic.protocol.Frame}s. {@link dev.geodesic.protocol.ClientEncoder} and
 * {@link dev.geodesic.protocol.ServerDecoder} are the other ends, for clients in Java.
 *
 * <p>Imports {@code sats} only: no sockets, no threads, no engine. Sub-packages: {@code message} (the model), {@code wire}
 * (building blocks), {@code v1} and {@code v2} (one codec per form); v3 is v2 with several messages in one payload.
 */
package dev.geodesic.protocol;
