package dev.geodesic.engine.auth;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
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

/**
 * The P-256 key pair that signs tokens, as PEM files (spec/http-api.md 3.4): {@code id_ecdsa} (PKCS#8) and
 * {@code id_ecdsa.pub} (SubjectPublicKeyInfo).
 */
public record SigningKeys(ECPrivateKey privateKey, ECPublicKey publicKey, String publicPem) {

    private static final String PRIVATE_FILE = "id_ecdsa";
    private static final String PUBLIC_FILE = "id_ecdsa.pub";
    private static final int PEM_LINE = 64;
    private static final String ALGORITHM = "SHA256withECDSA";
    private static final int CURVE_BITS = 256;

    /** Without the private key. */
    @Override
    public String toString() {
        return publicPem;
    }

    /**
     * Reads the keys of a directory, or makes them if both files are missing.
     *
     * @throws EngineException STORAGE_CORRUPT if one file is missing or holds no key, STORAGE_FAILED if the disk fails
     */
    public static SigningKeys open(Path directory) {
        Path privateFile = directory.resolve(PRIVATE_FILE);
        Path publicFile = directory.resolve(PUBLIC_FILE);
        try {
            boolean hasPrivate = Files.exists(privateFile);
            boolean hasPublic = Files.exists(publicFile);
            if (hasPrivate != hasPublic) {
                throw new EngineException(
                        ErrorCode.STORAGE_CORRUPT,
                        "only one of " + privateFile + " and " + publicFile
                                + " exists; restore the other, or delete both to make "
                                + "new keys, which ends the validity of every token");
            }
            if (!hasPrivate) {
                Files.createDirectories(directory);
                return create(privateFile, publicFile);
            }
            KeyFactory factory = KeyFactory.getInstance("EC");
            String publicPem = Files.readString(publicFile);
            SigningKeys keys = new SigningKeys(
                    (ECPrivateKey) factory.generatePrivate(new PKCS8EncodedKeySpec(decode(Files.readString(privateFile)))),
                    (ECPublicKey) factory.generatePublic(new X509EncodedKeySpec(decode(publicPem))),
                    publicPem);
            keys.requirePair();
            return keys;
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "keys in " + directory + ": " + e.getMessage(), e);
        } catch (GeneralSecurityException | IllegalArgumentException | ClassCastException e) {
            throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "the files " + privateFile + " and " + publicFile + " hold no P-256 key pair", e);
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

    private static SigningKeys create(Path privateFile, Path publicFile) throws IOException, GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair pair = generator.generateKeyPair();
        String publicPem = encode("PUBLIC KEY", pair.getPublic().getEncoded());
        if (privateFile.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createFile(privateFile, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        Files.writeString(privateFile, encode("PRIVATE KEY", pair.getPrivate().getEncoded()),
                StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE,
                StandardOpenOption.SYNC);
        Files.writeString(publicFile, publicPem,
                StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE,
                StandardOpenOption.SYNC);
        return new SigningKeys((ECPrivateKey) pair.getPrivate(), (ECPublicKey) pair.getPublic(), publicPem);
    }

    private static String encode(String what, byte[] der) {
        return "-----BEGIN " + what + "-----\n" + Base64.getMimeEncoder(PEM_LINE, new byte[] {'\n'}).encodeToString(der)
                + "\n-----END " + what + "-----\n";
    }

    private static byte[] decode(String pem) {
        return Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    }
}
