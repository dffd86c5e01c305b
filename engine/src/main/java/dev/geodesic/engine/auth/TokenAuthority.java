package dev.geodesic.engine.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonWriter;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Clock;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * Issues and verifies tokens with the server's own key. Verification costs a third of a millisecond, so verified tokens are
 * kept until they expire or others push them out. Thread-safe.
 */
public final class TokenAuthority {

    /** Issuer of our own tokens. */
    public static final String LOCAL_ISSUER = IdentityDerivation.LOCAL_ISSUER;

    private static final String AUDIENCE = "spacetimedb";
    private static final int CACHE_MAX = 10_000;
    private static final int TOKEN_LENGTH_MAX = 16 << 10;
    private static final int NAME_BYTES_MAX = 128;
    private static final long LEEWAY_SECONDS = 60;
    private static final long WEBSOCKET_TOKEN_SECONDS = 60;

    private final SigningKeys keys;
    private final Clock clock;
    private final Map<String, TokenClaims> verified = Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, TokenClaims> eldest) {
            return size() > CACHE_MAX;
        }
    });

    public TokenAuthority(SigningKeys keys, Clock clock) {
        this.keys = keys;
        this.clock = clock;
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
        String payload = json.toString();
        TokenClaims claims = new TokenClaims(identity, LOCAL_ISSUER, subject, payload, OptionalLong.empty());
        String token = sign(payload);
        verified.put(token, claims);
        return new Issued(token, claims);
    }

    /** A token for the same identity, with the same other claims, that lives for a minute. */
    public String issueForWebSocket(TokenClaims of) {
        long now = clock.instant().getEpochSecond();
        JsonWriter json = new JsonWriter();
        json.beginObject();
        ((JsonValue.JsonObject) Json.parse(of.payload())).members().forEach(claim -> {
            if (!claim.name().equals("iat") && !claim.name().equals("exp")) {
                json.key(claim.name()).write(claim.value());
            }
        });
        json.key("iat").number(now).key("exp").number(now + WEBSOCKET_TOKEN_SECONDS).endObject();
        return sign(json.toString());
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
     * Verifies a token.
     *
     * @throws EngineException INVALID_TOKEN with a text for the caller
     */
    public TokenClaims verify(String token) {
        TokenClaims known = verified.get(token);
        if (known == null) {
            known = check(token);
        }
        if (known.expiresAt().isPresent()
                && known.expiresAt().getAsLong() + LEEWAY_SECONDS < clock.instant().getEpochSecond()) {
            verified.remove(token);
            throw invalid("ExpiredSignature");
        }
        verified.putIfAbsent(token, known);
        return known;
    }

    private TokenClaims check(String token) {
        if (token.length() > TOKEN_LENGTH_MAX) {
            throw invalid("InvalidToken");
        }
        JWSObject jws;
        try {
            jws = JWSObject.parse(token);
        } catch (ParseException | IllegalArgumentException e) {
            throw invalid("InvalidToken");
        }
        if (!JWSAlgorithm.ES256.equals(jws.getHeader().getAlgorithm())) {
            throw invalid("InvalidAlgorithm");
        }
        try {
            if (!jws.verify(new ECDSAVerifier(keys.publicKey()))) {
                throw invalid("InvalidSignature");
            }
        } catch (JOSEException e) {
            throw invalid("InvalidSignature");
        }
        return claims(jws.getPayload().toString());
    }

    private static TokenClaims claims(String payload) {
        JsonValue.JsonObject claims;
        try {
            claims = Json.parse(payload) instanceof JsonValue.JsonObject o ? o : null;
        } catch (BsatnException e) {
            claims = null;
        }
        if (claims == null) {
            throw invalid("the payload is no JSON object");
        }
        String issuer = name(claims, "iss");
        String subject = name(claims, "sub");
        if (!(claims.get("iat").orElse(null) instanceof JsonValue.JsonNumber iat) || !iat.isInteger()) {
            throw invalid("the claim `iat` must be an integer");
        }
        OptionalLong expires = OptionalLong.empty();
        JsonValue exp = claims.get("exp").orElse(null);
        if (exp instanceof JsonValue.JsonNumber n && n.isInteger()) {
            try {
                expires = OptionalLong.of(Long.parseLong(n.text()));
            } catch (NumberFormatException e) {
                throw invalid("the claim `exp` is out of range");
            }
        } else if (exp != null && !(exp instanceof JsonValue.JsonNull)) {
            throw invalid("the claim `exp` must be an integer");
        }
        Identity identity = IdentityDerivation.fromClaims(issuer, subject);
        JsonValue hex = claims.get("hex_identity").orElse(null);
        if (hex != null && !(hex instanceof JsonValue.JsonNull)
                && !(hex instanceof JsonValue.JsonString s && s.value().equals(identity.toHex()))) {
            throw invalid("the claim `hex_identity` does not match issuer and subject");
        }
        return new TokenClaims(identity, issuer, subject, payload, expires);
    }

    private static String name(JsonValue.JsonObject claims, String claim) {
        if (claims.get(claim).orElse(null) instanceof JsonValue.JsonString s && !s.value().isEmpty()
                && s.value().getBytes(StandardCharsets.UTF_8).length <= NAME_BYTES_MAX) {
            return s.value();
        }
        throw invalid("the claim `" + claim + "` must be a text of 1 to " + NAME_BYTES_MAX + " bytes");
    }

    private static EngineException invalid(String reason) {
        return new EngineException(ErrorCode.INVALID_TOKEN, "Invalid token: " + reason);
    }
}
