/**
 * The WebSocket of a database (spec/websocket.md). {@code SubscribeFilter} answers the handshake, {@code SubscribeEndpoint}
 * turns frames into {@link dev.geodesic.protocol.message.ClientMessage}s for the engine, {@code Outbox} takes what the
 * engine sends and writes it on a virtual thread of its own, {@code Heartbeat} finds dead peers. Nothing here blocks the
 * container's reader threads or the engine's writer.
 */
package dev.geodesic.web.ws;
