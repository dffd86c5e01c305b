/**
 * The WebSocket of a database (spec/websocket.md). {@code SubscribeFilter} answers the handshake and gives it to the
 * {@code Transport} that is set: {@code JakartaTransport} with {@code SubscribeEndpoint}, or {@code UpgradeTransport} with
 * {@code UpgradedConnection} and the codec of {@code frame}. Either makes a {@code Session}, which turns messages into
 * {@link dev.geodesic.protocol.message.ClientMessage}s for the engine; {@code Outbox} takes what the engine sends and writes
 * it on a virtual thread of its own, {@code Heartbeat} pings and finds dead peers. Nothing here blocks the container's reader
 * threads or the engine's writer.
 */
package dev.geodesic.web.ws;
