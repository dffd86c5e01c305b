package dev.geodesic.engine.host.wasmtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Compiled programs on disk, named by the digest of the program and of the library's size (Wasmtime checks its exact version
 * itself). A cache may fail: every I/O error means "not there".
 *
 * <pre>
 *   +--------------------+----------------------+-------------
 *   | magic (8 bytes)    | SHA-256 of the code  | code ...
 *   +--------------------+----------------------+-------------
 * </pre>
 */
final class CompiledCache {

    private static final byte[] MAGIC = "GEOWASM1".getBytes(StandardCharsets.US_ASCII);
    private static final int DIGEST_BYTES = 32;
    private static final int CODE_OFFSET = MAGIC.length + DIGEST_BYTES;
    private static final int FILES_MAX = 256;
    private static final String SUFFIX = ".cwasm";
    private static final String UNFINISHED = ".part";
    private static final Duration UNFINISHED_AGE = Duration.ofHours(1);

    private final Optional<Path> directory;

    CompiledCache(Optional<Path> directory) {
        this.directory = directory;
    }

    boolean isEnabled() {
        return directory.isPresent();
    }

    /** The compiled form, undamaged, or nothing. */
    Optional<byte[]> read(byte[] wasm) {
        if (directory.isEmpty()) {
            return Optional.empty();
        }
        Path file = file(directory.get(), wasm);
        try {
            if (!Files.isRegularFile(file)) {
                return Optional.empty();
            }
            byte[] content = Files.readAllBytes(file);
            if (content.length > CODE_OFFSET && Arrays.equals(content, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
                byte[] code = Arrays.copyOfRange(content, CODE_OFFSET, content.length);
                if (Arrays.equals(content, MAGIC.length, CODE_OFFSET, sha256(code), 0, DIGEST_BYTES)) {
                    return Optional.of(code);
                }
            }
            Files.delete(file);
        } catch (IOException e) {
            // As good as absent.
        }
        return Optional.empty();
    }

    /** Keeps a compiled program; a reader sees all of it or nothing. */
    void write(byte[] wasm, byte[] code) {
        if (directory.isEmpty()) {
            return;
        }
        Path folder = directory.get();
        try {
            Files.createDirectories(folder);
            prune(folder);
            Path part = Files.createTempFile(folder, "new", UNFINISHED); // readable by the owner only
            try {
                try (var out = Files.newOutputStream(part)) {
                    out.write(MAGIC);
                    out.write(sha256(code));
                    out.write(code);
                }
                Files.move(part, file(folder, wasm), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            // The next start compiles again.
        }
    }

    private static void prune(Path folder) throws IOException {
        record Aged(Path path, FileTime modified) {
        }
        List<Aged> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
            for (Path path : stream) {
                files.add(new Aged(path, Files.getLastModifiedTime(path)));
            }
        }
        // What a crash has left; a younger one is being written.
        Instant old = Instant.now().minus(UNFINISHED_AGE);
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, "new*" + UNFINISHED)) {
            for (Path path : stream) {
                if (Files.getLastModifiedTime(path).toInstant().isBefore(old)) {
                    Files.deleteIfExists(path);
                }
            }
        }
        files.sort(Comparator.comparing(Aged::modified));
        for (int i = 0; i <= files.size() - FILES_MAX; i++) {
            Files.deleteIfExists(files.get(i).path());
        }
    }

    private static Path file(Path folder, byte[] wasm) {
        MessageDigest digest = digest();
        digest.update(MAGIC);
        try {
            digest.update((System.getProperty("os.arch") + Files.size(NativeLibrary.PATH)).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // The library was there when it was loaded; without its size the name is still the program's.
        }
        digest.update(wasm);
        return folder.resolve(HexFormat.of().formatHex(digest.digest()) + SUFFIX);
    }

    private static byte[] sha256(byte[] bytes) {
        return digest().digest(bytes);
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java platform has it
        }
    }
}
