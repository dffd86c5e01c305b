/**
 * The SATS type system: types, values, the binary (BSATN) and JSON encodings, ordering and special types, as
 * {@code spec/bsatn.md} describes them. Read {@link dev.geodesic.sats.AlgebraicType}, then
 * {@link dev.geodesic.sats.BsatnReader}.
 *
 * <p>A value has no object of its own: it is its bytes, and {@link dev.geodesic.sats.Bsatn} checks them,
 * {@link dev.geodesic.sats.ValueComparator} orders them, {@link dev.geodesic.sats.SatsJson} translates them, each led by
 * the type. {@link dev.geodesic.sats.TypeCodec}, {@link dev.geodesic.sats.TypeJson} and
 * {@link dev.geodesic.sats.TypeText} do the same for types. What comes from outside passes
 * {@link dev.geodesic.sats.TypeResolver} first: its limits on depth and size are what bounds all other walks. Everything
 * malformed is a {@link dev.geodesic.sats.BsatnException}, in time and memory bounded by the length of the input.
 *
 * <p>Needs only {@code java.base} and no reflection, because modules written in Java compile it to WebAssembly. It
 * knows nothing of tables, databases or messages.
 */
package dev.geodesic.sats;
