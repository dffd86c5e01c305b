/**
 * Who a caller is: {@link dev.geodesic.engine.auth.IdentityDerivation} makes identities from the claims of a token,
 * {@link dev.geodesic.engine.auth.Hashes} has the two hash functions that leave the process (spec/bsatn.md sections 7 and
 * 9), {@link dev.geodesic.engine.auth.TokenAuthority} issues and verifies tokens with {@code SigningKeys} (spec/http-api.md
 * section 3). Whether somebody may do something is decided where it is done. Imports {@code base} and {@code sats}.
 */
package dev.geodesic.engine.auth;
