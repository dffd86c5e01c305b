package dev.geodesic.engine.auth;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.crypto.opts.AllowWeakRSAKey;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPublicKey;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** An issuer of tokens on this machine, which answers as a test wants. */
final class FakeIssuer implements AutoCloseable {

    /** Something that a request is answered with. */
    interface Answer {
        void to(HttpExchange exchange) throws Exception;
    }

    private final HttpServer server;
    final String url;
    final AtomicInteger configurations = new AtomicInteger();
    final AtomicInteger keySets = new AtomicInteger();
    volatile Answer configuration;
    volatile Answer keys;

    FakeIssuer(JWK... published) {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 200);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        url = "http://127.0.0.1:" + server.getAddress().getPort();
        configuration = json(configuration(url));
        publish(published);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/.well-known/openid-configuration", exchange -> {
            configurations.incrementAndGet();
            answer(exchange, configuration);
        });
        server.createContext("/keys", exchange -> {
            keySets.incrementAndGet();
            answer(exchange, keys);
        });
        server.start();
    }

    private static void answer(HttpExchange exchange, Answer answer) throws IOException {
        try (exchange) {
            answer.to(exchange);
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    String configuration(String issuer) {
        return "{\"issuer\":\"" + issuer + "\",\"jwks_uri\":\"" + url + "/keys\"}";
    }

    void publish(JWK... published) {
        keys = json(set(published));
    }

    static String set(JWK... published) {
        return Arrays.stream(published).map(key -> key.toPublicJWK().toJSONString())
                .collect(Collectors.joining(",", "{\"keys\":[", "]}"));
    }

    static Answer json(String text) {
        return status(200, text);
    }

    static Answer status(int status, String text) {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        return exchange -> {
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
        };
    }

    @Override
    public void close() {
        server.stop(0);
    }

    // ---- keys and tokens ----

    static ECKey ec(String id) {
        return ec(Curve.P_256, id);
    }

    static ECKey ec(Curve curve, String id) {
        try {
            return new ECKeyGenerator(curve).keyID(id).generate();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    static RSAKey rsa(int bits, String id) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(bits);
            KeyPair pair = generator.generateKeyPair();
            return new RSAKey.Builder((RSAPublicKey) pair.getPublic()).privateKey(pair.getPrivate()).keyID(id).build();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    static String sign(JWSHeader header, String payload, JWSSigner signer) {
        try {
            JWSObject token = new JWSObject(header, new Payload(payload));
            token.sign(signer);
            return token.serialize();
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    static String sign(JWSAlgorithm algorithm, JWK key, String payload) {
        JWSHeader header = new JWSHeader.Builder(algorithm).type(JOSEObjectType.JWT).keyID(key.getKeyID()).build();
        try {
            return sign(header, payload, switch (key) {
                case ECKey curve -> new ECDSASigner(curve);
                case RSAKey rsa -> new RSASSASigner(rsa.toPrivateKey(), Set.of(AllowWeakRSAKey.getInstance()));
                default -> throw new AssertionError(key);
            });
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    /** A token of this issuer for {@code subject}, issued at {@code now}; {@code more} are claims that begin with a comma. */
    String token(JWSAlgorithm algorithm, JWK key, long now, String subject, String more) {
        return sign(algorithm, key, payload(subject, now, more));
    }

    String payload(String subject, long now, String more) {
        return "{\"iss\":\"" + url + "\",\"sub\":\"" + subject + "\",\"iat\":" + now + more + "}";
    }
}
