package dev.geodesic.engine.auth;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The P-256 key pair that signs tokens, as PEM files (spec/http-api.md 3.4): {@code id_ecdsa} (PKCS#8) and
 * {@code id_ecdsa.pub} (SubjectPublicKeyInfo).
 */
public record SigningKeys(ECPrivateKey privateKey, ECPublicKey publicKey, String publicPem) {

    private static final String PRIVATE_FILE = "id_ecdsa";
    private static final String PUBLIC_FILE = "id_ecdsa.pub";
    /** Behind the name of a file that is being made. */
    private static final String NEW = ".new";
    private static final long FILE_BYTES_MAX = 64 << 10;
    private static final int PEM_LINE = 64;
    private static final String ALGORITHM = "SHA256withECDSA";
    private static final int CURVE_BITS = 256;

    /** Without the private key. */
    @Override
    public String toString() {
        return publicPem;
    }

    /**
     * Reads the keys of a directory, or makes them if both files are missing. They are made under other names, and renamed
     * when they are on stable storage: whenever the power fails, there are both afterwards, or none that signed anything.
     *
     * @throws EngineException STORAGE_CORRUPT if one file is missing or holds no key, STORAGE_FAILED if the disk fails
     */
    public static SigningKeys open(Storage storage) {
        try {
            Set<String> files = new HashSet<>(storage.list());
            if (!files.contains(PRIVATE_FILE) && !files.contains(PUBLIC_FILE)) {
                create(storage, files);
            } else if (!files.contains(PRIVATE_FILE) || !files.contains(PUBLIC_FILE)) {
                finish(storage, files);
            }
            SigningKeys keys = read(storage, PRIVATE_FILE, PUBLIC_FILE);
            // An earlier process may have died between renaming and forcing.
            storage.force();
            return keys;
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "keys in " + storage + ": " + e, e);
        }
    }

    private static SigningKeys read(Storage storage, String privateFile, String publicFile) throws IOException {
        String privatePem = readText(storage, privateFile);
        String publicPem = readText(storage, publicFile);
        try {
            KeyFactory factory = KeyFactory.getInstance("EC");
            SigningKeys keys = new SigningKeys(
                    (ECPrivateKey) factory.generatePrivate(new PKCS8EncodedKeySpec(decode(privatePem))),
                    (ECPublicKey) factory.generatePublic(new X509EncodedKeySpec(decode(publicPem))),
                    publicPem);
            keys.requirePair();
            return keys;
        } catch (GeneralSecurityException | IllegalArgumentException | ClassCastException e) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT,
                    "the files " + storage + '/' + privateFile + " and " + storage + '/' + publicFile
                            + " hold no P-256 key pair; restore them from a backup, or delete both to make new keys, which ends"
                            + " the validity of every token", e);
        }
    }

    private static String readText(Storage storage, String name) throws IOException {
        try (StorageFile file = storage.open(name)) {
            ByteBuffer content = ByteBuffer.allocate((int) Math.min(file.size(), FILE_BYTES_MAX));
            while (content.hasRemaining() && file.read(content, content.position()) >= 0) {
                // Reads may be short.
            }
            return new String(content.array(), 0, content.position(), StandardCharsets.ISO_8859_1);
        }
    }

    /** Else the server would refuse all the tokens that it signs. */
    private void requirePair() throws GeneralSecurityException {
        byte[] text = publicPem.getBytes(StandardCharsets.UTF_8);
        Signature signature = Signature.getInstance(ALGORITHM);
        signature.initSign(privateKey);
        signature.update(text);
        byte[] signed = signature.sign();
        signature.initVerify(publicKey);
        signature.update(text);
        if (publicKey.getParams().getOrder().bitLength() != CURVE_BITS || !signature.verify(signed)) {
            throw new InvalidKeyException("no pair");
        }
    }

    private static void create(Storage storage, Set<String> files) throws IOException {
        KeyPair pair;
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            pair = generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e); // every Java platform has it
        }
        for (String name : List.of(PRIVATE_FILE, PUBLIC_FILE)) {
            boolean isPrivate = name.equals(PRIVATE_FILE);
            if (files.contains(name + NEW)) {
                storage.delete(name + NEW);
            }
            try (StorageFile file = storage.create(name + NEW)) {
                String pem = encode(isPrivate ? "PRIVATE KEY" : "PUBLIC KEY",
                        (isPrivate ? pair.getPrivate() : pair.getPublic()).getEncoded());
                file.write(ByteBuffer.wrap(pem.getBytes(StandardCharsets.ISO_8859_1)), 0);
                file.force();
            }
        }
        storage.force();
        storage.rename(PRIVATE_FILE + NEW, PRIVATE_FILE);
        storage.rename(PUBLIC_FILE + NEW, PUBLIC_FILE);
        storage.force();
    }

    /** Only one file has its name: the process that made them died between the two renames, or somebody lost the other. */
    private static void finish(Storage storage, Set<String> files) throws IOException {
        String missing = files.contains(PRIVATE_FILE) ? PUBLIC_FILE : PRIVATE_FILE;
        if (files.contains(missing + NEW)) {
            read(storage, missing.equals(PRIVATE_FILE) ? PRIVATE_FILE + NEW : PRIVATE_FILE,
                    missing.equals(PUBLIC_FILE) ? PUBLIC_FILE + NEW : PUBLIC_FILE);
            storage.rename(missing + NEW, missing);
            return;
        }
        throw new EngineException(
                ErrorCode.STORAGE_CORRUPT,
                "only one of " + storage + '/' + PRIVATE_FILE + " and " + storage + '/' + PUBLIC_FILE
                        + " exists; restore the other, or delete both to make new keys, which ends the validity of every token");
    }

    private static String encode(String what, byte[] der) {
        return "-----BEGIN " + what + "-----\n" + Base64.getMimeEncoder(PEM_LINE, new byte[] {'\n'}).encodeToString(der)
                + "\n-----END " + what + "-----\n";
    }

    private static byte[] decode(String pem) {
        return Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    }
}
