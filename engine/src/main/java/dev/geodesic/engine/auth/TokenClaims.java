package dev.geodesic.engine.auth;

import dev.geodesic.sats.Identity;
import java.util.OptionalLong;

/**
 * What a verified token says.
 *
 * @param payload JSON text of the payload, as it was signed
 * @param expiresAt seconds since the epoch
 */
public record TokenClaims(Identity identity, String issuer, String subject, String payload, OptionalLong expiresAt) {
}
