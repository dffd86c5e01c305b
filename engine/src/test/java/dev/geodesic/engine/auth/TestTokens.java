package dev.geodesic.engine.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.egress.Network;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.logging.Level;
import java.util.logging.Logger;

/** An authority with a clock that a test moves. */
final class TestTokens implements AutoCloseable {

    private static final Logger QUIET = Logger.getLogger(OpenIdIssuers.class.getName());
    static final long START = 1_800_000_000;

    /** Seconds since the epoch. */
    volatile long now = START;
    /** How far the clock has been set; time that passes is not changed by that. */
    volatile long skew;
    final TokenAuthority authority;

    static SigningKeys keys(Path directory) {
        try {
            return SigningKeys.open(FileStorage.open(directory));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    TestTokens(Path keys, IssuerOptions options) {
        // It would say of every issuer that a test breaks that it is broken.
        QUIET.setLevel(Level.OFF);
        InstantSource clock = () -> Instant.ofEpochSecond(now + skew);
        authority = new TokenAuthority(keys(keys), options, limits -> new HttpEgress(
                limits, Network.SYSTEM, Thread.ofPlatform().daemon().factory()), clock.withZone(ZoneOffset.UTC), () -> now);
    }

    TokenClaims verify(String token) {
        return authority.verifyBlocking(token);
    }

    void refuses(String reason, String token) {
        refuses(ErrorCode.INVALID_TOKEN, "Invalid token: " + reason, token);
    }

    void refuses(ErrorCode code, String message, String token) {
        EngineException e = assertThrows(EngineException.class, () -> verify(token));
        assertEquals(message, e.getMessage());
        assertEquals(code, e.code());
    }

    @Override
    public void close() {
        authority.close();
    }
}
