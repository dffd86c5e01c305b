package dev.geodesic.web;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.auth.TokenClaims;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import jakarta.ws.rs.core.SecurityContext;
import java.security.Principal;
import java.security.SecureRandom;
import java.util.Optional;

/**
 * Who makes a request (spec/http-api.md 3.1).
 *
 * @param token as presented, or as minted for this request
 * @param claims what the token says
 */
public record Credentials(String token, TokenClaims claims) implements Principal {

    private static final String SCHEME = "Bearer ";
    private static final SecureRandom RANDOM = new SecureRandom();

    /** The {@code Authorization} header is no bearer token: a 400. */
    public static final class MalformedException extends Exception {

        private static final long serialVersionUID = 1L;

        MalformedException() {
            super("Authorization is invalid: malformed token", null, false, false);
        }
    }

    /**
     * Credentials of a request, if it has any. The header wins over the query parameter.
     *
     * @param authorization value of the header, or null
     * @param queryToken value of the query parameter {@code token}
     * @throws EngineException INVALID_TOKEN
     */
    public static Optional<Credentials> of(TokenAuthority tokens, String authorization, Optional<String> queryToken)
            throws MalformedException {
        if (authorization == null) {
            return queryToken.map(token -> new Credentials(token, tokens.verify(token)));
        }
        if (!authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw new MalformedException();
        }
        String token = authorization.substring(SCHEME.length()).strip();
        return Optional.of(new Credentials(token, tokens.verify(token)));
    }

    /** A fresh identity for a caller without a token. */
    public static Credentials anonymous(TokenAuthority tokens) {
        TokenAuthority.Issued issued = tokens.issueAnonymous();
        return new Credentials(issued.token(), issued.claims());
    }

    /**
     * Who makes a request whose route needs a token.
     *
     * @throws RefusedException 401 without a token
     */
    static Credentials required(SecurityContext security) {
        if (security.getUserPrincipal() instanceof Credentials credentials) {
            return credentials;
        }
        throw new RefusedException(401, "Authorization required");
    }

    /** A client that lives for one request. */
    ClientInfo client() {
        return new ClientInfo(claims.identity(), randomConnection(), claims.payload());
    }

    /** A connection id that nobody has. */
    public static ConnectionId randomConnection() {
        long low = RANDOM.nextLong();
        return new ConnectionId(low == 0 ? 1 : low, RANDOM.nextLong());
    }

    Identity identity() {
        return claims.identity();
    }

    @Override
    public String getName() {
        return claims.identity().toHex();
    }
}
