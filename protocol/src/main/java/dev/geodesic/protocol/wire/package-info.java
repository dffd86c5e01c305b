/**
 * Building blocks that all protocol versions share: compression, pieces of BSATN and of JSON text. Knows values, rows and
 * fragments, no messages. Readers treat their input as hostile: they throw
 * {@link dev.geodesic.protocol.message.ProtocolException} or {@link dev.geodesic.sats.BsatnException} and never allocate more
 * than a small multiple of the bytes that are there.
 */
package dev.geodesic.protocol.wire;
