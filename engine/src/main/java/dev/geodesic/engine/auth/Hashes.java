package dev.geodesic.engine.auth;

import dev.geodesic.sats.Identity;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import org.bouncycastle.crypto.digests.Blake3Digest;
import org.bouncycastle.crypto.digests.KeccakDigest;

/** Hashes of 32 bytes (spec/bsatn.md section 9). Thread-safe. */
public final class Hashes {

    public static final int BYTE_COUNT = 32;

    private static final byte[] VIEW_ARGUMENTS_DOMAIN = "spacetimedb::view::args::v1\0".getBytes(StandardCharsets.UTF_8);

    private Hashes() {
    }

    public static byte[] blake3(byte[] input) {
        Blake3Digest digest = new Blake3Digest(BYTE_COUNT);
        digest.update(input, 0, input.length);
        byte[] hash = new byte[BYTE_COUNT];
        digest.doFinal(hash, 0);
        return hash;
    }

    /** Keccak with its original padding; SHA3-256 is another function. */
    public static byte[] keccak256(byte[] input) {
        KeccakDigest digest = new KeccakDigest(8 * BYTE_COUNT);
        digest.update(input, 0, input.length);
        byte[] hash = new byte[BYTE_COUNT];
        digest.doFinal(hash, 0);
        return hash;
    }

    /** The 32 bytes in order, as 64 lower-case hex digits. */
    public static String toHex(byte[] hash) {
        return HexFormat.of().formatHex(hash);
    }

    /**
     * A hash as the number it is in SATS, read little-endian: {@code 0x}, then the hex digits of the reversed bytes
     * without leading zeros. Program hashes and migration tokens look like this in JSON and in query parameters.
     */
    public static String toNumberText(byte[] hash) {
        String digits = Identity.fromLittleEndian(hash, 0).toHex();
        int from = 0;
        while (from < digits.length() - 1 && digits.charAt(from) == '0') {
            from++;
        }
        return "0x" + digits.substring(from);
    }

    /** The token that confirms a breaking migration: Keccak-256 of the three hex texts (spec/module-def.md). */
    public static byte[] migrationToken(Identity database, byte[] oldProgramHash, byte[] newProgramHash) {
        return keccak256((database.toHex() + toHex(oldProgramHash) + toHex(newProgramHash)).getBytes(StandardCharsets.US_ASCII));
    }

    /** Hash of a view's arguments: of its caller for sender views, of nothing for anonymous ones. */
    public static byte[] viewArguments(Optional<Identity> sender) {
        byte[] arguments = sender.map(Identity::toLittleEndian).orElse(new byte[0]);
        byte[] input = Arrays.copyOf(VIEW_ARGUMENTS_DOMAIN, VIEW_ARGUMENTS_DOMAIN.length + arguments.length);
        System.arraycopy(arguments, 0, input, VIEW_ARGUMENTS_DOMAIN.length, arguments.length);
        return blake3(input);
    }
}
