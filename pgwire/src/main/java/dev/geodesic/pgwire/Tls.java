package dev.geodesic.pgwire;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Collections;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** The server's side of TLS. */
public final class Tls {

    private Tls() {
    }

    /**
     * Key and certificate from a PKCS12 file.
     *
     * @throws IllegalArgumentException if the file cannot be read with this password, or holds no private key
     */
    public static SSLContext of(Path keystore, char[] password) {
        try (InputStream in = Files.newInputStream(keystore)) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(in, password);
            boolean found = false;
            for (String alias : Collections.list(keys.aliases())) {
                found |= keys.isKeyEntry(alias);
            }
            if (!found) {
                throw new IllegalArgumentException("the key store " + keystore + " holds no private key");
            }
            KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(keys, password);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException("the key store " + keystore + " cannot be used: " + e.getMessage(), e);
        }
    }
}
