package dev.geodesic.engine.backup;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.SnapshotStore;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Names and checksums of a backup (docs/formats/backup.md). */
final class BackupFormat {

    static final String MANIFEST = "backup.json";
    static final String MANIFEST_CHECKSUM = "backup.json.sha256";
    static final int CHECKSUM_BYTES_MAX = 256;
    private static final String TRANSACTIONS_SUFFIX = ".transactions";
    private static final int DIGITS = 20;

    private BackupFormat() {
    }

    static String snapshotName(long offset) {
        return SnapshotStore.fileName(offset);
    }

    static String transactionsName(long from) {
        return String.format("%0" + DIGITS + "d", from) + TRANSACTIONS_SUFFIX;
    }

    /** Offset in the name of a file of transactions; -1 if it is no such name. */
    static long transactionsFrom(String name) {
        return offset(name, TRANSACTIONS_SUFFIX);
    }

    /** Offset in the name of a snapshot; -1 if it is no such name. */
    static long snapshotOffset(String name) {
        return offset(name, ".snapshot");
    }

    private static long offset(String name, String suffix) {
        if (name.length() != DIGITS + suffix.length() || !name.endsWith(suffix)
                || !name.chars().limit(DIGITS).allMatch(c -> c >= '0' && c <= '9')) {
            return -1;
        }
        try {
            return Long.parseLong(name.substring(0, DIGITS));
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** As the tool sha256sum writes and checks it. */
    static String checksumText(byte[] manifest) {
        return hex(sha256().digest(manifest)) + "  " + MANIFEST + "\n";
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new EngineException(ErrorCode.INTERNAL, "every Java has SHA-256", e);
        }
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    static EngineException invalid(String problem) {
        return new EngineException(
                ErrorCode.BACKUP_INVALID, "the backup cannot be restored: " + problem
                        + ". Nothing has changed; send it again, or take another backup");
    }
}
