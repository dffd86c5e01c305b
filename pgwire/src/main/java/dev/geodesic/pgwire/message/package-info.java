/**
 * Frames of the PostgreSQL protocol 3.0: {@link dev.geodesic.pgwire.message.FrameReader} reads what clients send within
 * limits of length, {@link dev.geodesic.pgwire.message.Payload} takes a frame apart without trusting any count in it, and
 * {@link dev.geodesic.pgwire.message.MessageWriter} puts answers together and sends them in pieces of bounded size.
 */
package dev.geodesic.pgwire.message;
