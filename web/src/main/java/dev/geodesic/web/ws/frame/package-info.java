/**
 * RFC 6455 from the frames upwards, for a server, on byte arrays only: no streams, no threads, no container.
 * {@link dev.geodesic.web.ws.frame.FrameDecoder} takes what was read, in pieces of any size, and tells a
 * {@link dev.geodesic.web.ws.frame.FrameListener} of whole messages; {@link dev.geodesic.web.ws.frame.FrameBuffer} collects
 * frames for one write. No extension is spoken: compression belongs to the messages (spec/websocket.md 2).
 */
package dev.geodesic.web.ws.frame;
