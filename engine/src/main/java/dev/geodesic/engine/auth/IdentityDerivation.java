package dev.geodesic.engine.auth;

import dev.geodesic.sats.Identity;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * Identities from claims (spec/bsatn.md section 7). The big-endian bytes are
 *
 * <pre>
 *   C2 00 | c: first 4 bytes of BLAKE3(C2 00 | h) | h: first 26 bytes of BLAKE3(issuer "|" subject)
 * </pre>
 */
public final class IdentityDerivation {

    /** Issuer of the tokens and database identities that this server makes. */
    public static final String LOCAL_ISSUER = "localhost";

    private static final byte[] PREFIX = {(byte) 0xc2, 0};
    private static final int CHECKSUM_BYTE_COUNT = 4;
    private static final int HASH_BYTE_COUNT = Identity.BYTE_COUNT - PREFIX.length - CHECKSUM_BYTE_COUNT;

    private IdentityDerivation() {
    }

    public static Identity fromClaims(String issuer, String subject) {
        byte[] claims = Hashes.blake3((issuer + '|' + subject).getBytes(StandardCharsets.UTF_8));
        byte[] checked = new byte[PREFIX.length + HASH_BYTE_COUNT];
        System.arraycopy(PREFIX, 0, checked, 0, PREFIX.length);
        System.arraycopy(claims, 0, checked, PREFIX.length, HASH_BYTE_COUNT);
        byte[] identity = new byte[Identity.BYTE_COUNT];
        System.arraycopy(PREFIX, 0, identity, 0, PREFIX.length);
        System.arraycopy(Hashes.blake3(checked), 0, identity, PREFIX.length, CHECKSUM_BYTE_COUNT);
        System.arraycopy(claims, 0, identity, PREFIX.length + CHECKSUM_BYTE_COUNT, HASH_BYTE_COUNT);
        return Identity.fromBigEndian(identity);
    }

    /** A fresh identity of a database; {@code random} must be cryptographically strong. */
    public static Identity newDatabase(RandomGenerator random) {
        return fromClaims(LOCAL_ISSUER, newSubject(random));
    }

    /** The text of a random version-4 UUID: the subject of an identity that this server makes. */
    public static String newSubject(RandomGenerator random) {
        long high = random.nextLong() & ~0xf000L | 0x4000L;
        long low = random.nextLong() & ~(0b11L << 62) | 0b10L << 62;
        return new UUID(high, low).toString();
    }
}
