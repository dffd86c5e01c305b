/**
 * Tests of the WebSocket of the deployed EAR (spec/websocket.md) with a client of our own on a raw socket, so that it can
 * misbehave. {@link dev.geodesic.it.ws.WebSocketIT} deploys the EAR once for all of them; the tests themselves are the
 * interfaces that it implements. Every test works on a database of its own, which checks at its end that nothing of the
 * clients is left ({@link dev.geodesic.it.ws.TestDatabase}).
 *
 * <p>{@link dev.geodesic.it.ws.SoakIT} runs the built server as a process of its own, under mixed load, for as long as it is
 * told.
 */
package dev.geodesic.it.ws;
