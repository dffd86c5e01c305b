package dev.geodesic.it.ws;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.RSAKey;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Issuers of tokens on this machine: those at {@code /slow...} answer when they are let, the one at {@code /dead} with
 * errors, all others at once.
 */
final class Issuer implements AutoCloseable {

    private static final String CONFIGURATION = "/.well-known/openid-configuration";

    final String url;
    final AtomicInteger requests = new AtomicInteger();
    final CountDownLatch slow = new CountDownLatch(1);
    private final HttpServer server;
    private final RSAKey key;

    Issuer() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(2048);
            KeyPair pair = generator.generateKeyPair();
            key = new RSAKey.Builder((RSAPublicKey) pair.getPublic()).privateKey(pair.getPrivate()).keyID("one").build();
            server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 200);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        url = "http://127.0.0.1:" + server.getAddress().getPort();
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::answer);
        server.start();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            requests.incrementAndGet();
            String path = exchange.getRequestURI().getPath();
            if (path.startsWith("/slow")) {
                slow.await();
            }
            String issuer = url + (path.endsWith(CONFIGURATION) ? path.substring(0, path.length() - CONFIGURATION.length()) : "");
            String text = path.equals("/keys") ? "{\"keys\":[" + key.toPublicJWK().toJSONString() + "]}"
                    : "{\"issuer\":\"" + issuer + "\",\"jwks_uri\":\"" + url + "/keys\"}";
            byte[] body = text.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(path.startsWith("/dead") ? 500 : 200, body.length);
            exchange.getResponseBody().write(body);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A token of the issuer at a path; {@code more} are claims that begin with a comma. */
    String token(String path, String subject, String more) {
        JWSObject token = new JWSObject(new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("one").build(), new Payload(
                "{\"iss\":\"" + url + path + "\",\"sub\":\"" + subject + "\",\"iat\":" + Instant.now().getEpochSecond() + more
                        + "}"));
        try {
            token.sign(new RSASSASigner(key));
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
        return token.serialize();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
