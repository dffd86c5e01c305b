package dev.geodesic.engine.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyOperation;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetSequenceKey;
import com.nimbusds.jose.jwk.RSAKey;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.egress.EgressRule;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens of other issuers, which are named by the operator: they are on this machine and speak http. */
@Proves("http-api.md 3.4")
@Timeout(60)
class OpenIdIssuersTest {

    private static final ECKey KEY = FakeIssuer.ec("one");
    private static final ECKey NEXT = FakeIssuer.ec("two");
    private static final RSAKey RSA = FakeIssuer.rsa(2048, "rsa");

    @TempDir
    private Path directory;
    private final List<AutoCloseable> opened = new ArrayList<>();
    private FakeIssuer issuer;
    private TestTokens tokens;

    @BeforeEach
    void open() {
        issuer = issuer(KEY);
        tokens = tokens(Map.of(issuer.url, Set.of()));
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : opened.reversed()) {
            one.close();
        }
    }

    private FakeIssuer issuer(JWK... keys) {
        FakeIssuer made = new FakeIssuer(keys);
        opened.add(made);
        return made;
    }

    private TestTokens tokens(Map<String, Set<String>> named) {
        return tokens(new IssuerOptions(true, named, List.of()));
    }

    private TestTokens tokens(IssuerOptions options) {
        TestTokens made = new TestTokens(directory, options);
        opened.add(made);
        return made;
    }

    private String token(ECKey key, String subject) {
        return issuer.token(JWSAlgorithm.ES256, key, tokens.now, subject, "");
    }

    private String unavailable() {
        return "the keys of its issuer " + issuer.url + " are not available";
    }

    // ---- who is who ----

    @Test
    @Proves("http-api.md 3.3")
    @Proves("client-expectations.md 12")
    void acceptsAForeignTokenAndDerivesTheIdentity() {
        String token = issuer.token(JWSAlgorithm.ES256, KEY, tokens.now, "ann", ",\"aud\":\"app\",\"name\":\"Ann\"");
        TokenClaims claims = tokens.verify(token);
        assertEquals(IdentityDerivation.fromClaims(issuer.url, "ann"), claims.identity());
        assertEquals(issuer.payload("ann", tokens.now, ",\"aud\":\"app\",\"name\":\"Ann\""), claims.payload());
        assertEquals(List.of("app"), claims.audiences());
        // The swapped one is ours, and keeps whose it is.
        TokenClaims swapped = tokens.verify(tokens.authority.issueForWebSocket(claims));
        assertEquals(claims.identity(), swapped.identity());
        assertEquals(1, issuer.configurations.get());
        assertEquals(1, issuer.keySets.get());
    }

    /** What has our own issuer is never asked of anybody else. */
    @Test
    void theLocalIssuerIsLocal() {
        tokens.refuses("InvalidSignature",
                FakeIssuer.sign(JWSAlgorithm.ES256, KEY, "{\"iss\":\"localhost\",\"sub\":\"ann\",\"iat\":1}"));
        tokens.refuses("InvalidAlgorithm",
                FakeIssuer.sign(JWSAlgorithm.RS256, RSA, "{\"iss\":\"localhost\",\"sub\":\"ann\",\"iat\":1}"));
        assertEquals(0, issuer.configurations.get());
    }

    @Test
    void aForeignTokenThatOurKeyHasSignedNeedsNobody() {
        TokenClaims foreign = TokenClaims.parse(
                "{\"iss\":\"https://nowhere.test\",\"sub\":\"ann\",\"iat\":1}".getBytes(StandardCharsets.UTF_8));
        assertTrue(tokens.authority.verify(tokens.authority.issueForWebSocket(foreign)).isDone());
    }

    @Test
    void refusesExpiredEarlyAndForgedTokens() {
        tokens.refuses("ExpiredSignature", issuer.token(JWSAlgorithm.ES256, KEY, 1, "ann", ",\"exp\":" + (tokens.now - 61)));
        tokens.refuses("ImmatureSignature", issuer.token(JWSAlgorithm.ES256, KEY, 1, "ann", ",\"nbf\":" + (tokens.now + 61)));
        assertEquals(0, issuer.configurations.get(), "for these nobody need be asked");
        tokens.verify(issuer.token(JWSAlgorithm.ES256, KEY, 1, "ann", ",\"nbf\":" + (tokens.now + 60)
                + ",\"exp\":" + (tokens.now - 60)));
        tokens.refuses("InvalidSignature", token(new ECKey.Builder(NEXT).keyID("one").build(), "ann"));
        String[] good = token(KEY, "ann").split("\\.");
        tokens.refuses("InvalidSignature", good[0] + "." + token(KEY, "bob").split("\\.")[1] + "." + good[2]);
        tokens.refuses("the claim `hex_identity` does not match issuer and subject",
                issuer.token(JWSAlgorithm.ES256, KEY, 1, "ann", ",\"hex_identity\":\"" + "c2".repeat(32) + "\""));
    }

    @Test
    void audiencesAreCheckedWhereTheOperatorSaysSo() {
        TestTokens strict = tokens(Map.of(issuer.url, Set.of("app", "web")));
        for (String aud : List.of("\"app\"", "[\"other\",\"web\"]")) {
            strict.verify(issuer.token(JWSAlgorithm.ES256, KEY, tokens.now, "ann", ",\"aud\":" + aud));
        }
        for (String more : List.of("", ",\"aud\":null", ",\"aud\":[]", ",\"aud\":\"application\"", ",\"aud\":[\"x\",\"App\"]")) {
            String token = issuer.token(JWSAlgorithm.ES256, KEY, tokens.now, "ann", more);
            strict.refuses("InvalidAudience", token);
            strict.refuses("InvalidAudience", token);
            tokens.verify(token);
        }
    }

    // ---- keys ----

    @Test
    void theKeyDecidesTheAlgorithm() {
        ECKey curve384 = FakeIssuer.ec(Curve.P_384, "384");
        ECKey curve521 = FakeIssuer.ec(Curve.P_521, "521");
        issuer.publish(KEY, RSA, curve384, curve521);
        for (JWSAlgorithm algorithm : List.of(JWSAlgorithm.RS256, JWSAlgorithm.RS384, JWSAlgorithm.RS512, JWSAlgorithm.PS256,
                JWSAlgorithm.PS384, JWSAlgorithm.PS512)) {
            tokens.verify(issuer.token(algorithm, RSA, tokens.now, "ann", ""));
        }
        tokens.verify(issuer.token(JWSAlgorithm.ES384, curve384, tokens.now, "ann", ""));
        tokens.verify(issuer.token(JWSAlgorithm.ES512, curve521, tokens.now, "ann", ""));
        tokens.verify(token(KEY, "ann"));
    }

    @Test
    void noPublicKeyIsASecret() throws Exception {
        OctetSequenceKey secret = new OctetSequenceKey.Builder(new byte[32]).keyID("oct").build();
        issuer.keys = FakeIssuer.json(FakeIssuer.set(KEY, RSA).replace("]}", "," + secret.toJSONString() + "]}"));
        String payload = issuer.payload("ann", tokens.now, "");
        for (JWK key : List.of(KEY, RSA, secret)) {
            for (byte[] guess : List.of(key.toJSONString().getBytes(StandardCharsets.UTF_8), new byte[32],
                    key instanceof RSAKey rsa ? rsa.toPublicKey().getEncoded() : KEY.toPublicKey().getEncoded())) {
                String token = FakeIssuer.sign(
                        new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(key.getKeyID()).build(), payload, new MACSigner(guess));
                tokens.refuses(key == secret ? "Specified key ID not found in JWKs" : "InvalidAlgorithm", token);
            }
        }
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        for (String header : List.of("{\"alg\":\"none\"}", "{\"alg\":\"NONE\",\"kid\":\"one\"}", "{\"alg\":7}", "{}")) {
            String unsigned = base64.encodeToString(header.getBytes(StandardCharsets.UTF_8)) + "."
                    + base64.encodeToString(payload.getBytes(StandardCharsets.UTF_8)) + ".";
            assertThrows(EngineException.class, () -> tokens.verify(unsigned));
            assertThrows(EngineException.class, () -> tokens.verify(unsigned + "AAAA"));
        }
    }

    /** A header may bring a key, or say where one is: whoever wrote it may as well have written the token. */
    @Test
    void keysInTheHeaderCountForNothing() throws JOSEException {
        ECKey mine = FakeIssuer.ec("one");
        JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("one").jwk(mine.toPublicJWK()).build();
        tokens.refuses("InvalidSignature",
                FakeIssuer.sign(header, issuer.payload("ann", tokens.now, ""), new ECDSASigner(mine)));
    }

    @Test
    void aKeysUseAndAlgorithmCount() {
        ECKey encrypts = new ECKey.Builder(FakeIssuer.ec("enc")).keyUse(KeyUse.ENCRYPTION).build();
        ECKey derives = new ECKey.Builder(FakeIssuer.ec("ops")).keyOperations(Set.of(KeyOperation.DERIVE_KEY)).build();
        ECKey verifies = new ECKey.Builder(FakeIssuer.ec("sig")).keyUse(KeyUse.SIGNATURE).algorithm(JWSAlgorithm.ES256).build();
        RSAKey only512 = new RSAKey.Builder(FakeIssuer.rsa(2048, "512")).algorithm(JWSAlgorithm.RS512).build();
        RSAKey weak = FakeIssuer.rsa(1024, "weak");
        issuer.publish(encrypts, derives, verifies, only512, weak);
        tokens.verify(token(verifies, "ann"));
        tokens.verify(issuer.token(JWSAlgorithm.RS512, only512, tokens.now, "ann", ""));
        tokens.refuses("InvalidAlgorithm", issuer.token(JWSAlgorithm.RS256, only512, tokens.now, "ann", ""));
        for (ECKey useless : List.of(encrypts, derives)) {
            tokens.refuses("Specified key ID not found in JWKs", token(useless, "ann"));
        }
        tokens.refuses("Specified key ID not found in JWKs", issuer.token(JWSAlgorithm.RS256, weak, tokens.now, "ann", ""));
    }

    @Test
    void keysWithoutIdsAndWithTheSameAreTried() {
        ECKey third = new ECKey.Builder(FakeIssuer.ec(null)).build();
        ECKey same = new ECKey.Builder(NEXT).keyID("one").build();
        issuer.publish(KEY, same, third, RSA);
        tokens.verify(token(KEY, "ann"));
        tokens.verify(token(same, "ann"));
        for (ECKey key : List.of(KEY, same, third)) {
            tokens.verify(token(new ECKey.Builder(key).keyID(null).build(), "bob"));
        }
        tokens.refuses("InvalidSignature", token(new ECKey.Builder(FakeIssuer.ec(null)).build(), "bob"));
        tokens.refuses("Specified key ID not found in JWKs", token(new ECKey.Builder(KEY).keyID("four").build(), "bob"));
    }

    @Test
    void keysThatNobodyUnderstandsDoNoHarm() {
        issuer.keys = FakeIssuer.json("{\"keys\":[7,null,{},{\"kty\":\"EC\"},{\"kty\":\"ML\",\"x\":1},{\"kty\":\"OKP\",\"crv\":"
                + "\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
                + "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\",\"kid\":\"off\"},"
                + "{\"kty\":\"RSA\",\"n\":\"" + "_".repeat(20_000) + "\",\"e\":\"AQAB\",\"kid\":\"huge\"},"
                + "{\"kty\":\"RSA\",\"n\":\"" + RSA.getModulus() + "\",\"e\":\"AQ\",\"kid\":\"e1\"},"
                + KEY.toPublicJWK().toJSONString() + "]}");
        tokens.verify(token(KEY, "ann"));
        for (String id : List.of("off", "huge", "e1")) {
            tokens.refuses("Specified key ID not found in JWKs", token(new ECKey.Builder(KEY).keyID(id).build(), "ann"));
        }
    }

    // ---- what issuers answer ----

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "nothing", "{\"issuer\":7}", "{\"issuer\":\"URL\"}",
            "{\"issuer\":\"URL/\",\"jwks_uri\":\"URL/keys\"}",
            "{\"issuer\":\"https://other.test\",\"jwks_uri\":\"URL/keys\"}", "{\"issuer\":\"URL\",\"jwks_uri\":\"ftp://a/b\"}",
            "{\"issuer\":\"URL\",\"jwks_uri\":\"/keys\"}", "{\"issuer\":\"URL\",\"jwks_uri\":\"file:///etc/passwd\"}"})
    void configurationsOfNoUseAreRefused(String json) {
        issuer.configuration = FakeIssuer.json(json.replace("URL", issuer.url));
        tokens.refuses(unavailable(), token(KEY, "ann"));
        assertEquals(0, issuer.keySets.get());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
            "[[[[[[[["})
    void keySetsOfNoUseAreRefused(String json) {
        issuer.keys = FakeIssuer.json(json);
        tokens.refuses(unavailable(), token(KEY, "ann"));
    }

    @Test
    void manyKeysAreNone() {
        JWK[] many = new JWK[33];
        for (int i = 0; i < many.length; i++) {
            many[i] = new ECKey.Builder(KEY).keyID("k" + i).build();
        }
        issuer.publish(many);
        tokens.refuses(unavailable(), token(many.length > 0 ? KEY : NEXT, "ann"));
    }

    @Test
    void anotherStatusIsNoAnswerAndARedirectLeadsNowhere() {
        for (int status : new int[] {500, 404, 204}) {
            issuer.configuration = FakeIssuer.status(status, status == 204 ? "" : issuer.configuration(issuer.url));
            tokens.refuses(unavailable(), token(KEY, "ann"));
            tokens.now += 10;
        }
        issuer.configuration = exchange -> {
            exchange.getResponseHeaders().set("Location", issuer.url + "/keys");
            exchange.sendResponseHeaders(302, -1);
        };
        tokens.refuses(unavailable(), token(KEY, "ann"));
        assertEquals(0, issuer.keySets.get());
    }

    @Test
    void hugeDocumentsAreRefused() {
        issuer.keys = FakeIssuer.json(FakeIssuer.set(KEY) + " ".repeat(300 << 10));
        tokens.refuses(unavailable(), token(KEY, "ann"));
        tokens.now += 10;
        issuer.keys = exchange -> {
            exchange.sendResponseHeaders(200, 0);
            byte[] rubbish = new byte[1 << 16];
            while (true) {
                exchange.getResponseBody().write(rubbish);
            }
        };
        tokens.refuses(unavailable(), token(KEY, "ann"));
    }

    @Test
    void aSlowIssuerIsGivenUp() {
        issuer.configuration = exchange -> Thread.sleep(60_000);
        long begin = System.nanoTime();
        tokens.refuses(unavailable(), token(KEY, "ann"));
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        assertTrue(millis >= 4_000 && millis < 20_000, "after " + millis + " ms");
    }

    @Test
    void anIssuerThatIsNotThereIsNotAskedAgainAtOnce() {
        String token = token(KEY, "ann");
        issuer.configuration = FakeIssuer.status(500, "");
        for (int i = 0; i < 20; i++) {
            tokens.refuses(unavailable(), token);
        }
        assertEquals(1, issuer.configurations.get());
        issuer.configuration = FakeIssuer.json(issuer.configuration(issuer.url));
        tokens.refuses(unavailable(), token);
        tokens.now += 10;
        tokens.verify(token);
    }

    // ---- rotation ----

    /** How long keys are kept, and when an issuer is asked again, has nothing to do with the time of day. */
    @Test
    void aClockThatIsSetBackDoesNotKeepAnIssuerAway() {
        issuer.configuration = FakeIssuer.status(500, "");
        assertThrows(EngineException.class, () -> tokens.verify(token(KEY, "ann")));
        tokens.skew = -3600;
        issuer.configuration = FakeIssuer.json(issuer.configuration(issuer.url));
        tokens.now += 10;
        tokens.verify(issuer.token(JWSAlgorithm.ES256, KEY, tokens.now + tokens.skew, "ann", ""));
        tokens.skew = 365 * 86_400;
        tokens.verify(issuer.token(JWSAlgorithm.ES256, KEY, tokens.now + tokens.skew, "ann", ""));
        tokens.refuses("ExpiredSignature",
                issuer.token(JWSAlgorithm.ES256, KEY, 1, "ann", ",\"exp\":" + (tokens.now + 3600)));
    }

    @Test
    void aNewKeyIsFetchedOnceAndTheOldOneIsGone() {
        String old = token(KEY, "ann");
        tokens.verify(old);
        issuer.publish(NEXT);
        tokens.refuses("Specified key ID not found in JWKs", token(NEXT, "ann"));
        assertEquals(1, issuer.keySets.get(), "not so soon");
        tokens.now += 30;
        tokens.verify(old);
        tokens.verify(token(NEXT, "ann"));
        assertEquals(2, issuer.keySets.get());
        // Verified before, by a key that is none any more.
        tokens.refuses("Specified key ID not found in JWKs", old);
        for (int i = 0; i < 50; i++) {
            tokens.refuses("Specified key ID not found in JWKs", token(FakeIssuer.ec("none" + i), "ann"));
        }
        assertEquals(2, issuer.keySets.get());
    }

    @Test
    void aTokenWithoutIdFindsANewKeyToo() {
        issuer.publish(new ECKey.Builder(KEY).keyID(null).build());
        tokens.verify(token(new ECKey.Builder(KEY).keyID(null).build(), "ann"));
        issuer.publish(new ECKey.Builder(NEXT).keyID(null).build());
        tokens.now += 30;
        tokens.verify(token(new ECKey.Builder(NEXT).keyID(null).build(), "ann"));
    }

    @Test
    void keysAreFetchedAgainAfterFiveMinutes() {
        String token = token(KEY, "ann");
        tokens.verify(token);
        tokens.now += 299;
        tokens.verify(token);
        assertEquals(1, issuer.keySets.get());
        // Beside their use at first: the old ones are good until the new ones have come.
        issuer.publish(NEXT);
        tokens.now += 1;
        assertTrue(tokens.authority.verify(token).isDone());
        tokens.verify(token(NEXT, "ann"));
        assertEquals(2, issuer.keySets.get());
        tokens.refuses("Specified key ID not found in JWKs", token);
        // Before it, once they are older.
        issuer.publish(KEY);
        tokens.now += 600;
        tokens.refuses("Specified key ID not found in JWKs", token(NEXT, "ann"));
        assertEquals(3, issuer.keySets.get());
    }

    @Test
    void anIssuerThatIsAwayKeepsItsKeysForTwoHours() {
        String token = token(KEY, "ann");
        String other = token(KEY, "bob");
        tokens.verify(token);
        long fetched = tokens.now;
        issuer.configuration = FakeIssuer.status(503, "");
        for (long age : new long[] {301, 600, 700, 3_600, 7_199}) {
            tokens.now = fetched + age;
            tokens.verify(token);
            assertEquals("bob", tokens.verify(other).subject());
        }
        tokens.now = fetched + 7_200;
        tokens.refuses(unavailable(), token);
        tokens.refuses(unavailable(), other);
        issuer.configuration = FakeIssuer.json(issuer.configuration(issuer.url));
        tokens.now += 10;
        tokens.verify(token);
    }

    // ---- many at once ----

    @Test
    void manyTokensOfOneIssuerWaitForOneFetch() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        FakeIssuer.Answer configuration = issuer.configuration;
        issuer.configuration = exchange -> {
            slow.await();
            configuration.to(exchange);
        };
        List<CompletableFuture<TokenClaims>> waiting = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        issuer.publish(RSA);
        for (int i = 0; i < 20; i++) {
            texts.add(issuer.token(JWSAlgorithm.RS256, RSA, tokens.now, "ann" + i, ""));
        }
        for (int i = 0; i < 1_200; i++) {
            waiting.add(tokens.authority.verify(texts.get(i % texts.size())));
        }
        assertEquals(1_000, waiting.stream().filter(one -> !one.isDone()).count());
        EngineException busy = (EngineException) assertThrows(
                CompletionException.class, waiting.getLast()::join).getCause();
        assertEquals(ErrorCode.BUSY, busy.code());
        slow.countDown();
        for (int i = 0; i < 1_000; i++) {
            assertEquals("ann" + i % 20, waiting.get(i).join().subject());
        }
        assertEquals(1, issuer.configurations.get());
        tokens.verify(texts.getFirst());
    }

    @Test
    void closingEndsTheWaiting() {
        issuer.configuration = exchange -> Thread.sleep(60_000);
        CompletableFuture<TokenClaims> waiting = tokens.authority.verify(token(KEY, "ann"));
        tokens.close();
        assertThrows(CompletionException.class, () -> waiting.orTimeout(3, TimeUnit.SECONDS).join());
    }

    // ---- who may be asked ----

    /** Whoever sends a token chooses the issuer, but not one that only this machine reaches. */
    @Test
    void onlyNamedIssuersMayBePrivate() throws Exception {
        TestTokens open = tokens(new IssuerOptions(true, Map.of(), List.of()));
        open.refuses("InvalidIssuer", token(KEY, "ann"));
        try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"))) {
            for (String host : List.of("127.0.0.1", "localhost", "[::1]")) {
                String url = "https://" + host + ":" + listener.getLocalPort();
                open.refuses("the keys of its issuer " + url + " are not available", FakeIssuer.sign(
                        JWSAlgorithm.ES256, KEY, "{\"iss\":\"" + url + "\",\"sub\":\"ann\",\"iat\":1}"));
            }
            listener.setSoTimeout(100);
            assertThrows(SocketTimeoutException.class, listener::accept);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"issuer", "http://issuer.test", "ftp://issuer.test", "https://", "https://user@issuer.test",
            "https://issuer.test?a", "https://issuer.test#a", "HTTPS://issuer.test", "https://issuer.test:99999", "https:issuer",
            "https://a b", "file:///etc/passwd", "https://issuer.test\\u000d\\u000aHost: x", "localhost/"})
    void strangeIssuersAreNone(String url) {
        tokens.refuses("InvalidIssuer",
                FakeIssuer.sign(JWSAlgorithm.ES256, KEY, "{\"iss\":\"" + url + "\",\"sub\":\"ann\",\"iat\":1}"));
    }

    @Test
    void withoutAnyOnlyTheNamedOnesAreAsked() {
        TestTokens listed = tokens(IssuerOptions.parse(issuer.url + ", https://login.test", List.of()));
        listed.verify(token(KEY, "ann"));
        listed.refuses("InvalidIssuer",
                FakeIssuer.sign(JWSAlgorithm.ES256, KEY, "{\"iss\":\"https://other.test\",\"sub\":\"ann\",\"iat\":1}"));
        tokens(IssuerOptions.NONE).refuses("InvalidIssuer", token(KEY, "ann"));
    }

    @Test
    void whatIsDeniedIsNotAsked() {
        tokens(new IssuerOptions(false, Map.of(issuer.url, Set.of()), List.of(EgressRule.parse("127.0.0.0/8"))))
                .refuses(unavailable(), token(KEY, "ann"));
        assertEquals(0, issuer.configurations.get());
    }

    /** One issuer's keys are of no use to another, and neither is its permission to be private. */
    @Test
    void issuersAreKeptApart() {
        FakeIssuer other = issuer(NEXT);
        TestTokens both = tokens(Map.of(issuer.url, Set.of(), other.url, Set.of()));
        both.verify(token(KEY, "ann"));
        both.verify(other.token(JWSAlgorithm.ES256, NEXT, tokens.now, "ann", ""));
        both.refuses("Specified key ID not found in JWKs", other.token(JWSAlgorithm.ES256, KEY, tokens.now, "ann", ""));
        FakeIssuer thief = issuer();
        thief.configuration = FakeIssuer.json("{\"issuer\":\"" + thief.url + "\",\"jwks_uri\":\"" + issuer.url + "/keys\"}");
        int before = issuer.keySets.get();
        tokens(Map.of(issuer.url, Set.of(), thief.url, Set.of())).refuses(
                "the keys of its issuer " + thief.url + " are not available",
                thief.token(JWSAlgorithm.ES256, KEY, tokens.now, "ann", ""));
        assertEquals(before, issuer.keySets.get());
    }

    @Test
    void aSlashAtTheEndOfAnIssuerIsPartOfItsName() {
        String url = issuer.url + "/";
        TestTokens slash = tokens(Map.of(url, Set.of()));
        String token = FakeIssuer.sign(JWSAlgorithm.ES256, KEY, "{\"iss\":\"" + url + "\",\"sub\":\"ann\",\"iat\":1}");
        slash.refuses("the keys of its issuer " + url + " are not available", token);
        issuer.configuration = FakeIssuer.json(issuer.configuration(url));
        slash.now += 10;
        assertEquals(IdentityDerivation.fromClaims(url, "ann"), slash.verify(token).identity());
        slash.refuses("InvalidIssuer", token(KEY, "ann"));
    }

    /** Issuers that fail, however many, leave the good ones alone. */
    @Test
    void manyIssuersThatFailPushNobodyOut() {
        tokens.verify(token(KEY, "ann"));
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        for (int i = 0; i < 1_500; i++) {
            String payload = "{\"iss\":\"https://127.0.0.1:1/" + i + "\",\"sub\":\"ann\",\"iat\":1}";
            EngineException e = assertThrows(EngineException.class, () -> tokens.verify(
                    base64.encodeToString("{\"alg\":\"RS256\"}".getBytes(StandardCharsets.UTF_8)) + "."
                            + base64.encodeToString(payload.getBytes(StandardCharsets.UTF_8)) + ".AAAA"));
            assertEquals(ErrorCode.INVALID_TOKEN, e.code());
        }
        tokens.verify(token(KEY, "ann"));
        assertEquals(1, issuer.keySets.get());
    }

    // ---- chance ----

    @Test
    void mutationsNeverVerify() {
        issuer.publish(KEY, RSA);
        List<String> valid = List.of(token(KEY, "ann"), issuer.token(JWSAlgorithm.RS256, RSA, tokens.now, "ann", ""));
        valid.forEach(tokens::verify);
        Seeds.repeat(600, random -> {
            String token = valid.get(random.nextInt(2));
            StringBuilder text = new StringBuilder(token);
            int at = random.nextInt(text.length());
            switch (random.nextInt(3)) {
                case 0 -> text.setCharAt(at, "AZaz09-_.".charAt(random.nextInt(9)));
                case 1 -> text.deleteCharAt(at);
                default -> text.insert(at, "AZaz09-_.".charAt(random.nextInt(9)));
            }
            String mutated = text.toString();
            if (!mutated.equals(token)) {
                EngineException e = assertThrows(EngineException.class, () -> tokens.verify(mutated), mutated);
                assertEquals(ErrorCode.INVALID_TOKEN, e.code(), mutated);
            }
        });
    }

    /** Documents are strangers' texts: whatever they say, a token verifies or is refused. */
    @Test
    void damagedDocumentsDoNoHarm() {
        Map<Boolean, Integer> outcomes = new HashMap<>();
        String configuration = issuer.configuration(issuer.url);
        String keys = FakeIssuer.set(KEY, RSA);
        Seeds.repeat(150, random -> {
            issuer.configuration = FakeIssuer.json(random.nextBoolean() ? configuration : damaged(configuration, random));
            issuer.keys = FakeIssuer.json(damaged(keys, random));
            tokens.now += 10_000;
            boolean verified;
            try {
                verified = tokens.verify(token(KEY, "ann")).subject().equals("ann");
            } catch (EngineException e) {
                assertEquals(ErrorCode.INVALID_TOKEN, e.code());
                verified = false;
            }
            outcomes.merge(verified, 1, Integer::sum);
        });
        assertFalse(outcomes.isEmpty());
    }

    private static String damaged(String json, Random random) {
        StringBuilder text = new StringBuilder(json);
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(text.length());
            switch (random.nextInt(3)) {
                case 0 -> text.setCharAt(at, (char) random.nextInt(0x80));
                case 1 -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(10)));
                default -> text.insert(at, "[{\"".charAt(random.nextInt(3)));
            }
        }
        return text.toString();
    }

    @Test
    void readsWhatAnOperatorWrites() {
        assertEquals(new IssuerOptions(true, Map.of(), List.of()), IssuerOptions.parse("any", List.of()));
        assertEquals(IssuerOptions.NONE, IssuerOptions.parse(" none ", List.of()));
        Map<String, Set<String>> named = Map.of("https://a.test/x", Set.of("b", "c"), "http://[::1]:8080", Set.of());
        assertEquals(new IssuerOptions(true, named, List.of()),
                IssuerOptions.parse("any, https://a.test/x  b c,http://[::1]:8080", List.of()));
        for (String wrong : List.of("everybody", "https://", "a.test", "https://a.test?x", "https://u@a.test")) {
            assertThrows(IllegalArgumentException.class, () -> IssuerOptions.parse(wrong, List.of()), wrong);
        }
    }
}
