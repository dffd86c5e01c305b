package dev.geodesic.engine.auth;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What a token says (spec/http-api.md 3.2).
 *
 * @param payload JSON text of the payload, as it was signed
 * @param expiresAt seconds since the epoch
 * @param notBefore seconds since the epoch
 */
public record TokenClaims(
        Identity identity, String issuer, String subject, List<String> audiences, String payload, OptionalLong expiresAt,
        OptionalLong notBefore) {

    private static final int NAME_BYTES_MAX = 128;

    /**
     * Reads a payload, whoever has signed it.
     *
     * @throws EngineException INVALID_TOKEN with a text for the caller
     */
    static TokenClaims parse(byte[] payload) {
        JsonValue.JsonObject claims;
        try {
            claims = Json.parse(payload) instanceof JsonValue.JsonObject o ? o : null;
        } catch (BsatnException e) {
            claims = null;
        }
        if (claims == null) {
            throw invalid("the payload is no JSON object");
        }
        // Readers differ about which of them counts.
        Set<String> names = new HashSet<>();
        for (JsonValue.Member claim : claims.members()) {
            if (!names.add(claim.name())) {
                throw invalid("a claim occurs twice");
            }
        }
        String issuer = name(claims, "iss");
        String subject = name(claims, "sub");
        if (!(claims.get("iat").orElse(null) instanceof JsonValue.JsonNumber)) {
            throw invalid("the claim `iat` must be an integer");
        }
        time(claims, "iat");
        Identity identity = IdentityDerivation.fromClaims(issuer, subject);
        JsonValue hex = claims.get("hex_identity").orElse(null);
        if (hex != null && !(hex instanceof JsonValue.JsonNull)
                && !(hex instanceof JsonValue.JsonString s && s.value().equals(identity.toHex()))) {
            throw invalid("the claim `hex_identity` does not match issuer and subject");
        }
        return new TokenClaims(
                identity, issuer, subject, audiences(claims), new String(payload, StandardCharsets.UTF_8), time(claims, "exp"),
                time(claims, "nbf"));
    }

    private static OptionalLong time(JsonValue.JsonObject claims, String claim) {
        return switch (claims.get(claim).orElse(JsonValue.JsonNull.NULL)) {
            case JsonValue.JsonNull absent -> OptionalLong.empty();
            case JsonValue.JsonNumber number when number.isInteger() -> {
                try {
                    yield OptionalLong.of(Long.parseLong(number.text()));
                } catch (NumberFormatException e) {
                    throw invalid("the claim `" + claim + "` is out of range");
                }
            }
            default -> throw invalid("the claim `" + claim + "` must be an integer");
        };
    }

    private static List<String> audiences(JsonValue.JsonObject claims) {
        return switch (claims.get("aud").orElse(JsonValue.JsonNull.NULL)) {
            case JsonValue.JsonNull absent -> List.of();
            case JsonValue.JsonString one -> List.of(one.value());
            case JsonValue.JsonArray many -> many.items().stream().map(audience -> {
                if (audience instanceof JsonValue.JsonString text) {
                    return text.value();
                }
                throw invalid("the claim `aud` must be a text or an array of texts");
            }).toList();
            default -> throw invalid("the claim `aud` must be a text or an array of texts");
        };
    }

    private static String name(JsonValue.JsonObject claims, String claim) {
        if (claims.get(claim).orElse(null) instanceof JsonValue.JsonString s && !s.value().isEmpty()
                && s.value().getBytes(StandardCharsets.UTF_8).length <= NAME_BYTES_MAX) {
            return s.value();
        }
        throw invalid("the claim `" + claim + "` must be a text of 1 to " + NAME_BYTES_MAX + " bytes");
    }

    static EngineException invalid(String reason) {
        return new EngineException(ErrorCode.INVALID_TOKEN, "Invalid token: " + reason);
    }
}
