/**
 * The SATS type system: types, values, the binary (BSATN) and JSON encodings, ordering and special types, as
 * {@code spec/bsatn.md} describes them. Read {@link dev.geodesic.sats.AlgebraicType}, then
 * {@link dev.geodesic.sats.BsatnReader}.
 *
 * <p>Needs only {@code java.base} and no reflection, because modules written in Java compile it to WebAssembly. It
 * knows nothing of tables, databases or messages.
 */
package dev.geodesic.sats;
