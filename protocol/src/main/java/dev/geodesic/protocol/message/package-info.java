/**
 * What client and server say to each other, free of the protocol version: {@link dev.geodesic.protocol.message.ClientMessage}
 * is what a client asks, {@link dev.geodesic.protocol.message.ServerMessage} is what an engine answers or announces. The
 * packages {@code v1} and {@code v2} turn them into bytes and text; quirks of a version live there, not in the engine.
 *
 * <p>Rows travel as a {@link dev.geodesic.protocol.message.Fragment}: the rows that one query gained and lost in one
 * transaction, encoded at most once per wire form however many sessions receive it. Where even the envelope is the same
 * for several sessions, {@link dev.geodesic.protocol.message.ServerMessage.Shared} keeps the whole encoded message, and
 * its compressed form, too.
 *
 * <p>Everything here is immutable and may be handed between threads; arrays inside the records must not be changed
 * after they were handed over. The package imports {@code sats} only.
 */
package dev.geodesic.protocol.message;
