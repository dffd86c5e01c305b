package dev.geodesic.engine.auth;

import com.nimbusds.jose.Algorithm;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyOperation;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.RSAKey;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonWriter;
import java.security.interfaces.RSAPublicKey;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Those keys of a JSON Web Key Set (RFC 7517) that can verify tokens: elliptic curve keys and RSA keys. A key decides which
 * algorithms it is used with, so that no public key ever becomes the secret of an HMAC. Immutable.
 */
final class IssuerKeys {

    private static final int KEYS_MAX = 32;
    private static final int RSA_BITS_MIN = 2048;
    /** What is larger, or has a large exponent, only takes time. */
    private static final int RSA_BITS_MAX = 8192;
    private static final int RSA_EXPONENT_BITS_MAX = 33;
    private static final Set<JWSAlgorithm> RSA = Set.of(
            JWSAlgorithm.RS256, JWSAlgorithm.RS384, JWSAlgorithm.RS512,
            JWSAlgorithm.PS256, JWSAlgorithm.PS384, JWSAlgorithm.PS512);

    private final List<Key> keys;

    enum Outcome { VALID, WRONG_SIGNATURE, WRONG_ALGORITHM, NO_SUCH_KEY }

    /** @param id null if it has none */
    private record Key(String id, Set<JWSAlgorithm> algorithms, JWSVerifier verifier) {
    }

    private IssuerKeys(List<Key> keys) {
        this.keys = List.copyOf(keys);
    }

    /**
     * Reads a set; keys that are of no use here are left out.
     *
     * @throws RuntimeException if it is none, or nothing is left
     */
    static IssuerKeys parse(byte[] json) {
        List<Key> keys = new ArrayList<>();
        if (Json.parse(json) instanceof JsonValue.JsonObject set
                && set.get("keys").orElse(null) instanceof JsonValue.JsonArray array) {
            for (JsonValue element : array.items()) {
                usable(element).ifPresent(keys::add);
            }
        }
        if (keys.isEmpty() || keys.size() > KEYS_MAX) {
            throw new IllegalArgumentException("its set of keys has " + keys.size() + " that can be used");
        }
        return new IssuerKeys(keys);
    }

    private static Optional<Key> usable(JsonValue json) {
        try {
            JWK key = JWK.parse(new JsonWriter().write(json).toString());
            Set<KeyOperation> operations = key.getKeyOperations();
            if (key.getKeyUse() != null && !key.getKeyUse().equals(KeyUse.SIGNATURE)
                    || operations != null && !operations.isEmpty() && !operations.contains(KeyOperation.VERIFY)) {
                return Optional.empty();
            }
            return switch (key) {
                case RSAKey rsa when isSound(rsa.toRSAPublicKey()) -> usable(key, RSA, new RSASSAVerifier(rsa.toRSAPublicKey()));
                case ECKey curve -> algorithm(curve.getCurve()).flatMap(algorithm -> {
                    try {
                        return usable(key, Set.of(algorithm), new ECDSAVerifier(curve.toECPublicKey()));
                    } catch (JOSEException e) {
                        return Optional.empty();
                    }
                });
                default -> Optional.empty();
            };
        } catch (ParseException | JOSEException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private static Optional<Key> usable(JWK key, Set<JWSAlgorithm> algorithms, JWSVerifier verifier) {
        Algorithm only = key.getAlgorithm();
        Set<JWSAlgorithm> allowed = algorithms.stream().filter(a -> only == null || a.equals(only)).collect(Collectors.toSet());
        return allowed.isEmpty() ? Optional.empty() : Optional.of(new Key(key.getKeyID(), allowed, verifier));
    }

    private static boolean isSound(RSAPublicKey key) {
        int bits = key.getModulus().bitLength();
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && key.getPublicExponent().testBit(0)
                && key.getPublicExponent().bitLength() > 1 && key.getPublicExponent().bitLength() <= RSA_EXPONENT_BITS_MAX;
    }

    private static Optional<JWSAlgorithm> algorithm(Curve curve) {
        return Curve.P_256.equals(curve) ? Optional.of(JWSAlgorithm.ES256)
                : Curve.P_384.equals(curve) ? Optional.of(JWSAlgorithm.ES384)
                : Curve.P_521.equals(curve) ? Optional.of(JWSAlgorithm.ES512) : Optional.empty();
    }

    /** Tries the keys that have the token's {@code kid}, or all if it has none. */
    Outcome verify(JWSObject token) {
        String id = token.getHeader().getKeyID();
        Predicate<Key> named = key -> id == null || id.equals(key.id());
        if (keys.stream().noneMatch(named)) {
            return Outcome.NO_SUCH_KEY;
        }
        boolean tried = false;
        for (Key key : keys) {
            if (named.test(key) && key.algorithms().contains(token.getHeader().getAlgorithm())) {
                tried = true;
                try {
                    if (token.verify(key.verifier())) {
                        return Outcome.VALID;
                    }
                } catch (JOSEException e) {
                    // As good as a wrong signature.
                }
            }
        }
        return tried ? Outcome.WRONG_SIGNATURE : Outcome.WRONG_ALGORITHM;
    }
}
