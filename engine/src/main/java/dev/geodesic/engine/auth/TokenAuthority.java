package dev.geodesic.engine.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.util.Base64URL;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.egress.EgressOptions;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonWriter;
import java.text.ParseException;
import java.time.Clock;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;

/**
 * Issues tokens with the server's own key, and verifies its tokens and those of other issuers. Verification costs a third of a
 * millisecond, so verified tokens are kept until they expire, the keys of their issuer change, or others push them out.
 * Thread-safe.
 */
public final class TokenAuthority implements AutoCloseable {

    /** Issuer of our own tokens. */
    public static final String LOCAL_ISSUER = IdentityDerivation.LOCAL_ISSUER;

    private static final String AUDIENCE = "spacetimedb";
    private static final int TOKEN_LENGTH_MAX = 16 << 10;
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");
    private static final long LEEWAY_SECONDS = 60;
    private static final long WEBSOCKET_TOKEN_SECONDS = 60;

    private final SigningKeys keys;
    private final IssuerOptions options;
    private final Clock clock;
    private final JWSVerifier verifier;
    private final OpenIdIssuers issuers;
    private final VerifiedTokens verified = new VerifiedTokens();

    /** @param egress makes a way out to other issuers, with limits of its own */
    public TokenAuthority(
            SigningKeys keys, IssuerOptions options, Function<EgressOptions, HttpEgress> egress, Clock clock) {
        this(keys, options, egress, clock, () -> TimeUnit.NANOSECONDS.toSeconds(System.nanoTime()));
    }

    /** @param seconds of a clock that nobody sets */
    TokenAuthority(
            SigningKeys keys, IssuerOptions options, Function<EgressOptions, HttpEgress> egress, Clock clock,
            LongSupplier seconds) {
        this.keys = keys;
        this.options = options;
        this.clock = clock;
        this.issuers = new OpenIdIssuers(options, egress, seconds);
        try {
            this.verifier = new ECDSAVerifier(keys.publicKey());
        } catch (JOSEException e) {
            throw new EngineException(ErrorCode.STORAGE_CORRUPT, "the key of this server is on another curve than P-256", e);
        }
    }

    /** A token and the claims in it. */
    public record Issued(String token, TokenClaims claims) {
    }

    /** PEM of the public key; the same after every restart. */
    public String publicKeyPem() {
        return keys.publicPem();
    }

    /** A fresh identity with a token that does not expire. */
    public Issued issueAnonymous() {
        String subject = UUID.randomUUID().toString();
        Identity identity = IdentityDerivation.fromClaims(LOCAL_ISSUER, subject);
        JsonWriter json = new JsonWriter();
        json.beginObject()
                .key("hex_identity").string(identity.toHex())
                .key("sub").string(subject)
                .key("iss").string(LOCAL_ISSUER)
                .key("aud").beginArray().string(AUDIENCE).endArray()
                .key("iat").number(clock.instant().getEpochSecond())
                .key("exp").nullValue()
                .endObject();
        TokenClaims claims = TokenClaims.parse(json.toByteArray());
        String token = sign(claims.payload());
        verified.put(token, claims, null);
        return new Issued(token, claims);
    }

    /**
     * A token for the same identity, with the same other claims, that lives for a minute, but no longer than the given one:
     * tokens that are swapped again and again must end, too.
     */
    public String issueForWebSocket(TokenClaims of) {
        long now = clock.instant().getEpochSecond();
        JsonWriter json = new JsonWriter();
        json.beginObject();
        ((JsonValue.JsonObject) Json.parse(of.payload())).members().forEach(claim -> {
            if (!claim.name().equals("iat") && !claim.name().equals("exp")) {
                json.key(claim.name()).write(claim.value());
            }
        });
        long expires = Math.min(now + WEBSOCKET_TOKEN_SECONDS, of.expiresAt().orElse(Long.MAX_VALUE));
        json.key("iat").number(now).key("exp").number(expires).endObject();
        return sign(ascii(json.toString()));
    }

    /**
     * JSON of which the base64url form has neither {@code -} nor {@code _}: the command line tool reads the standard alphabet
     * (spec/http-api.md 3.2). What must be escaped occurs in texts only.
     */
    private static String ascii(String json) {
        StringBuilder out = new StringBuilder(json.length());
        for (char c : json.toCharArray()) {
            if (c < 0x7f && ">?~".indexOf(c) < 0) {
                out.append(c);
            } else {
                out.append("\\u").append(HexFormat.of().toHexDigits(c));
            }
        }
        return out.toString();
    }

    private String sign(String payload) {
        try {
            JWSObject jws = new JWSObject(
                    new JWSHeader.Builder(JWSAlgorithm.ES256).type(JOSEObjectType.JWT).build(), new Payload(payload));
            jws.sign(new ECDSASigner(keys.privateKey()));
            return jws.serialize();
        } catch (JOSEException e) {
            throw new EngineException(ErrorCode.INTERNAL, "a token could not be signed", e);
        }
    }

    /**
     * Verifies a token. Never blocks: the result is there at once, unless the keys of another issuer must be fetched first.
     *
     * @return fails with INVALID_TOKEN and a text for the caller, or with BUSY
     */
    public CompletableFuture<TokenClaims> verify(String token) {
        try {
            Optional<TokenClaims> known = verified.get(token, this::isCurrent);
            if (known.isPresent()) {
                checkTime(known.get());
                return CompletableFuture.completedFuture(known.get());
            }
            JWSObject jws = parse(token);
            TokenClaims claims = TokenClaims.parse(jws.getPayload().toBytes());
            // Whatever the issuer says: our short-lived tokens keep a foreign one.
            Optional<String> refused = checkLocally(jws);
            if (refused.isEmpty()) {
                return CompletableFuture.completedFuture(accept(token, claims, null));
            }
            if (claims.issuer().equals(LOCAL_ISSUER)) {
                throw TokenClaims.invalid(refused.get());
            }
            checkTime(claims);
            return issuers.keys(claims.issuer()).thenCompose(keys -> checkForeign(token, jws, claims, keys));
        } catch (EngineException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** As {@link #verify}, for threads that may wait. */
    public TokenClaims verifyBlocking(String token) {
        try {
            return verify(token).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof EngineException reason ? reason : e;
        }
    }

    private boolean isCurrent(TokenClaims claims, IssuerKeys keys) {
        return keys == null || issuers.isCurrent(claims.issuer(), keys);
    }

    private TokenClaims accept(String token, TokenClaims claims, IssuerKeys keys) {
        checkTime(claims);
        verified.put(token, claims, keys);
        return claims;
    }

    private void checkTime(TokenClaims claims) {
        long now = clock.instant().getEpochSecond();
        if (claims.expiresAt().isPresent() && claims.expiresAt().getAsLong() < now - LEEWAY_SECONDS) {
            throw TokenClaims.invalid("ExpiredSignature");
        }
        if (claims.notBefore().isPresent() && claims.notBefore().getAsLong() > now + LEEWAY_SECONDS) {
            throw TokenClaims.invalid("ImmatureSignature");
        }
    }

    /** One text for one token: others would be the same token to us, and another to whoever looks for it in a list. */
    private static JWSObject parse(String token) {
        try {
            if (token.length() <= TOKEN_LENGTH_MAX && FORM.matcher(token).matches()) {
                JWSObject jws = JWSObject.parse(token);
                if (jws.getSignature().equals(Base64URL.encode(jws.getSignature().decode()))
                        && jws.getHeader().getCriticalParams() == null && jws.getHeader().isBase64URLEncodePayload()) {
                    return jws;
                }
            }
        } catch (ParseException | RuntimeException e) {
            // Refused below.
        }
        throw TokenClaims.invalid("InvalidToken");
    }

    /** Why our own key has not signed a token; empty if it has. */
    private Optional<String> checkLocally(JWSObject jws) {
        if (!JWSAlgorithm.ES256.equals(jws.getHeader().getAlgorithm())) {
            return Optional.of("InvalidAlgorithm");
        }
        try {
            return jws.verify(verifier) ? Optional.empty() : Optional.of("InvalidSignature");
        } catch (JOSEException e) {
            return Optional.of("InvalidSignature");
        }
    }

    private CompletableFuture<TokenClaims> checkForeign(String token, JWSObject jws, TokenClaims claims, IssuerKeys keys) {
        IssuerKeys.Outcome outcome = keys.verify(jws);
        // Perhaps the issuer has new keys.
        boolean retry = outcome == IssuerKeys.Outcome.NO_SUCH_KEY
                || outcome != IssuerKeys.Outcome.VALID && jws.getHeader().getKeyID() == null;
        return (retry ? issuers.newer(claims.issuer(), keys) : CompletableFuture.completedFuture(keys)).thenApply(newer -> {
            switch (newer == keys ? outcome : newer.verify(jws)) {
                case NO_SUCH_KEY -> throw TokenClaims.invalid("Specified key ID not found in JWKs");
                case WRONG_ALGORITHM -> throw TokenClaims.invalid("InvalidAlgorithm");
                case WRONG_SIGNATURE -> throw TokenClaims.invalid("InvalidSignature");
                case VALID -> { }
            }
            Set<String> audiences = options.named().getOrDefault(claims.issuer(), Set.of());
            if (!audiences.isEmpty() && Collections.disjoint(audiences, claims.audiences())) {
                throw TokenClaims.invalid("InvalidAudience");
            }
            return accept(token, claims, newer);
        });
    }

    /** Whoever waits for the keys of another issuer gets no answer but an error. */
    @Override
    public void close() {
        issuers.close();
    }
}
