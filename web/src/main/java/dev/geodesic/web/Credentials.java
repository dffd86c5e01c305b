package dev.geodesic.web;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.auth.TokenClaims;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import jakarta.ws.rs.core.SecurityContext;
import java.security.Principal;
import java.security.SecureRandom;

/**
 * Who makes a request (spec/http-api.md 3.1).
 *
 * @param token as presented, or as minted for this request
 * @param claims what the token says
 */
public record Credentials(String token, TokenClaims claims) implements Principal {

    private static final SecureRandom RANDOM = new SecureRandom();

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
