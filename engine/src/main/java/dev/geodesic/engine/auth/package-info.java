/**
 * Who a caller is: {@link dev.geodesic.engine.auth.IdentityDerivation} makes identities from the claims of a token,
 * {@link dev.geodesic.engine.auth.Hashes} has the two hash functions that leave the process (spec/bsatn.md sections 7 and
 * 9). Reading and checking tokens is not done here. Imports {@code base} and {@code sats}.
 */
package dev.geodesic.engine.auth;
