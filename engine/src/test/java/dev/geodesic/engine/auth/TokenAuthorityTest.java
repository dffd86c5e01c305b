package dev.geodesic.engine.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.Curve;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens of this server. */
@Proves("http-api.md 3.2")
class TokenAuthorityTest {

    private static final long NOW = TestTokens.START;

    @TempDir
    private Path directory;
    private TestTokens tokens;
    private SigningKeys keys;

    @BeforeEach
    void open() {
        tokens = new TestTokens(directory, IssuerOptions.NONE);
        keys = TestTokens.keys(directory);
    }

    @AfterEach
    void close() {
        tokens.close();
    }

    private static String part(String token, int index) {
        return new String(Base64.getUrlDecoder().decode(token.split("\\.")[index]), StandardCharsets.UTF_8);
    }

    private static JsonValue.JsonObject payload(String token) {
        return (JsonValue.JsonObject) Json.parse(part(token, 1));
    }

    private static String base64(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A token that this server might have signed. */
    private String signed(String payload) {
        return signed(new JWSHeader(JWSAlgorithm.ES256), payload);
    }

    private String signed(JWSHeader header, String payload) {
        try {
            return FakeIssuer.sign(header, payload, new ECDSASigner(keys.privateKey()));
        } catch (JOSEException e) {
            throw new AssertionError(e);
        }
    }

    private static String claims(String more) {
        return "{\"iss\":\"localhost\",\"sub\":\"ann\"" + more + "}";
    }

    @Test
    void mintsWhatTheSpecificationSays() {
        TokenAuthority.Issued issued = tokens.authority.issueAnonymous();
        assertEquals("{\"typ\":\"JWT\",\"alg\":\"ES256\"}", sorted(part(issued.token(), 0)));
        String subject = issued.claims().subject();
        assertTrue(subject.matches("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"), subject);
        assertEquals("{\"hex_identity\":\"" + issued.claims().identity().toHex() + "\",\"sub\":\"" + subject
                        + "\",\"iss\":\"localhost\",\"aud\":[\"spacetimedb\"],\"iat\":" + NOW + ",\"exp\":null}",
                part(issued.token(), 1));
        assertEquals(issued.claims().payload(), part(issued.token(), 1));
        assertEquals(IdentityDerivation.fromClaims("localhost", subject), issued.claims().identity());
        assertTrue(issued.claims().identity().toHex().startsWith("c200"));
        assertNotEquals(subject, tokens.authority.issueAnonymous().claims().subject());
    }

    private static String sorted(String header) {
        return header.equals("{\"alg\":\"ES256\",\"typ\":\"JWT\"}") ? "{\"typ\":\"JWT\",\"alg\":\"ES256\"}" : header;
    }

    /** The command line tool reads the payload with the standard alphabet and without padding. */
    @Test
    @Proves("client-expectations.md 12")
    void payloadsCanBeReadWithTheStandardAlphabet() {
        for (int i = 0; i < 200; i++) {
            String middle = tokens.authority.issueAnonymous().token().split("\\.")[1];
            assertTrue(middle.matches("[A-Za-z0-9]+"), middle);
        }
        TokenClaims foreign = TokenClaims.parse(("{\"iss\":\"https://a.test/~x\",\"sub\":\"a?b>c~\",\"iat\":1,"
                + "\"name\":\"Jürgen \uD83D\uDE00 >>>???~~~ \\u007f\"}").getBytes(StandardCharsets.UTF_8));
        String swapped = tokens.authority.issueForWebSocket(foreign);
        assertTrue(swapped.split("\\.")[1].matches("[A-Za-z0-9]+"), swapped);
        assertEquals(((JsonValue.JsonObject) Json.parse(foreign.payload())).get("name"), payload(swapped).get("name"));
        assertEquals(foreign.identity(), tokens.verify(swapped).identity());
    }

    @Test
    @Proves("client-expectations.md 12")
    void anonymousTokensStayValidAsLongAsTheKey() {
        String token = tokens.authority.issueAnonymous().token();
        tokens.now += 1_000_000_000;
        try (TestTokens later = new TestTokens(directory, IssuerOptions.NONE)) {
            later.now = tokens.now;
            assertEquals(tokens.verify(token), later.verify(token));
            assertEquals(OptionalLong.empty(), later.verify(token).expiresAt());
        }
    }

    @Test
    @Proves("client-expectations.md 12")
    void tokensOfAnotherServerAreRefused(@TempDir Path elsewhere) {
        try (TestTokens other = new TestTokens(elsewhere, IssuerOptions.NONE)) {
            tokens.refuses("InvalidSignature", other.authority.issueAnonymous().token());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        ",\"iat\":1",
        ",\"iat\":1,\"exp\":null",
        ",\"iat\":1,\"exp\":1800000001,\"aud\":\"any\"",
        ",\"iat\":1,\"exp\":1799999940,\"aud\":[\"a\",\"b\"]",
        ",\"iat\":1,\"nbf\":1800000060,\"aud\":[]",
        ",\"iat\":9000000000,\"more\":{\"deep\":[1,2,{}]},\"hex_identity\":null",
    })
    void acceptsClaims(String more) {
        TokenClaims claims = tokens.verify(signed(claims(more)));
        assertEquals("ann", claims.subject());
        assertEquals(claims(more), claims.payload());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"sub\":\"a\",\"iat\":1}| the claim `iss` must be a text of 1 to 128 bytes",
        "{\"iss\":\"localhost\",\"iat\":1}| the claim `sub` must be a text of 1 to 128 bytes",
        "{\"iss\":\"localhost\",\"sub\":\"\",\"iat\":1}| the claim `sub` must be a text of 1 to 128 bytes",
        "{\"iss\":\"localhost\",\"sub\":7,\"iat\":1}| the claim `sub` must be a text of 1 to 128 bytes",
        "{\"iss\":\"localhost\",\"sub\":\"a\"}| the claim `iat` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":null}| the claim `iat` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1.0}| the claim `iat` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1e3}| the claim `iat` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":\"1\"}| the claim `iat` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"exp\":\"never\"}| the claim `exp` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"exp\":1e99}| the claim `exp` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"exp\":99999999999999999999}| the claim `exp` is out of range",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"nbf\":true}| the claim `nbf` must be an integer",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"aud\":7}| the claim `aud` must be a text or an array of texts",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"aud\":[null]}| the claim `aud` must be a text or an array of texts",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"sub\":\"b\"}| a claim occurs twice",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"hex_identity\":\"c200\"}"
            + "| the claim `hex_identity` does not match issuer and subject",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"hex_identity\":7}"
            + "| the claim `hex_identity` does not match issuer and subject",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"exp\":1799999939}| ExpiredSignature",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"exp\":-9223372036854775808}| ExpiredSignature",
        "{\"iss\":\"localhost\",\"sub\":\"a\",\"iat\":1,\"nbf\":1800000061}| ImmatureSignature",
        "[1]| the payload is no JSON object",
        "{\"iss\"| the payload is no JSON object",
        "nothing| the payload is no JSON object",
    })
    void refusesClaims(String payload, String reason) {
        tokens.refuses(reason, signed(payload));
    }

    @Test
    void namesHaveOneTo128Bytes() {
        String longest = "ü".repeat(64);
        String named = "{\"iss\":\"" + longest + "\",\"sub\":\"" + longest + "\",\"iat\":1}";
        assertEquals(longest, tokens.verify(signed(named)).subject());
        tokens.refuses("the claim `sub` must be a text of 1 to 128 bytes",
                signed("{\"iss\":\"localhost\",\"sub\":\"" + longest + "a\",\"iat\":1}"));
        tokens.refuses("the claim `iss` must be a text of 1 to 128 bytes",
                signed("{\"iss\":\"" + longest + "a\",\"sub\":\"a\",\"iat\":1}"));
    }

    @Test
    void anExpiredTokenIsForgotten() {
        String token = signed(claims(",\"iat\":1,\"exp\":" + (NOW + 10)));
        tokens.verify(token);
        tokens.now = NOW + 70;
        tokens.verify(token);
        tokens.now = NOW + 71;
        tokens.refuses("ExpiredSignature", token);
    }

    @Test
    @Proves("http-api.md 5")
    @Proves("client-expectations.md 12")
    void tokensForWebSocketsKeepWhoTheyAreOf() {
        TokenClaims foreign = TokenClaims.parse(("{\"iss\":\"https://issuer.test\",\"aud\":[\"app\"],\"sub\":\"ann\",\"iat\":12,"
                + "\"roles\":[\"a\",1.50]}").getBytes(StandardCharsets.UTF_8));
        String swapped = tokens.authority.issueForWebSocket(foreign);
        // The key of this server is tried whatever the issuer says.
        assertEquals(foreign.identity(), tokens.verify(swapped).identity());
        assertEquals("{\"iss\":\"https://issuer.test\",\"aud\":[\"app\"],\"sub\":\"ann\",\"roles\":[\"a\",1.50],\"iat\":" + NOW
                + ",\"exp\":" + (NOW + 60) + "}", part(swapped, 1));
        tokens.now = NOW + 120;
        tokens.verify(swapped);
        tokens.now = NOW + 121;
        tokens.refuses("ExpiredSignature", swapped);
    }

    /** Else whoever has a token once would have it for ever. */
    @Test
    void swappingATokenDoesNotProlongIt() {
        String token = signed(claims(",\"iat\":1,\"exp\":" + (NOW + 20)));
        String swapped = tokens.authority.issueForWebSocket(tokens.verify(token));
        assertEquals(NOW + 20, tokens.verify(swapped).expiresAt().orElseThrow());
        tokens.now = NOW + 70;
        String again = tokens.authority.issueForWebSocket(tokens.verify(swapped));
        assertEquals(NOW + 20, tokens.verify(again).expiresAt().orElseThrow());
    }

    @Test
    @Proves("http-api.md 3.4")
    void refusesOtherAlgorithms() throws Exception {
        String payload = claims(",\"iat\":1");
        String header = "{\"typ\":\"JWT\",\"alg\":\"none\"}";
        tokens.refuses("InvalidToken", base64(header) + "." + base64(payload) + ".");
        tokens.refuses("InvalidToken", base64(header) + "." + base64(payload) + "." + base64("x"));
        for (byte[] secret : List.of(keys.publicPem().getBytes(StandardCharsets.UTF_8), keys.publicKey().getEncoded())) {
            tokens.refuses("InvalidAlgorithm",
                    FakeIssuer.sign(new JWSHeader(JWSAlgorithm.HS256), payload, new MACSigner(secret)));
        }
        tokens.refuses("InvalidAlgorithm", FakeIssuer.sign(JWSAlgorithm.RS256, FakeIssuer.rsa(2048, null), payload));
        tokens.refuses("InvalidSignature", FakeIssuer.sign(JWSAlgorithm.ES256, FakeIssuer.ec(null), payload));
        tokens.refuses("InvalidToken", signed(new JWSHeader.Builder(JWSAlgorithm.ES256)
                .criticalParams(Set.of("exp")).customParam("exp", 1).build(), payload));
        tokens.refuses("InvalidToken", signed(new JWSHeader.Builder(JWSAlgorithm.ES256).base64URLEncodePayload(false)
                .criticalParams(Set.of("b64")).build(), "eyJ9"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "\0", "e30.e30.e30", "ü.ü.ü", " ",
            "e30=.e30=.e30="})
    void refusesWhatIsNoToken(String text) {
        tokens.refuses("InvalidToken", text);
    }

    @Test
    void refusesVeryLongTokens() {
        tokens.refuses("InvalidToken", signed(claims(",\"iat\":1,\"more\":\"" + "x".repeat(16_000) + "\"")));
        String deep = "[".repeat(4_000);
        tokens.refuses("the payload is no JSON object", signed(claims(",\"iat\":1,\"more\":" + deep)));
        tokens.refuses("InvalidToken", base64("{\"alg\":\"ES256\",\"x\":" + deep) + "." + base64(claims("")) + ".AAAA");
    }

    /** There is one text for each token: no mutation of a valid one verifies, and none does anything but be refused. */
    @Test
    void mutationsNeverVerify() {
        String valid = tokens.authority.issueAnonymous().token();
        String[] other = tokens.authority.issueAnonymous().token().split("\\.");
        Seeds.repeat(1_000, random -> {
            StringBuilder text = new StringBuilder(valid);
            for (int i = random.nextInt(3); i >= 0; i--) {
                int at = random.nextInt(text.length());
                char any = random.nextInt(4) == 0 ? (char) random.nextInt(0x300)
                        : "ABYZabyz0189-_.=".charAt(random.nextInt(16));
                switch (random.nextInt(5)) {
                    case 0 -> text.deleteCharAt(at);
                    case 1 -> text.insert(at, any);
                    case 2 -> text.setLength(Math.max(1, at));
                    case 3 -> {
                        List<String> parts = Arrays.asList(text.toString().split("\\."));
                        Collections.shuffle(parts, random);
                        if (random.nextBoolean() && parts.size() == 3) {
                            int which = random.nextInt(3);
                            parts.set(which, other[which]);
                        }
                        text = new StringBuilder(parts.stream().collect(Collectors.joining(".")));
                    }
                    default -> text.setCharAt(at, any);
                }
                if (text.isEmpty()) {
                    text.append('.');
                }
            }
            String mutated = text.toString();
            if (!mutated.equals(valid) && !mutated.equals(String.join(".", valid.split("\\.")[0], other[1], other[2]))) {
                EngineException e = assertThrows(EngineException.class, () -> tokens.verify(mutated), mutated);
                assertEquals(ErrorCode.INVALID_TOKEN, e.code(), mutated);
                assertTrue(e.getMessage().startsWith("Invalid token: "), e.getMessage());
            }
        });
        tokens.verify(valid);
    }

    // ---- keys ----

    @Test
    @Proves("http-api.md 3.4")
    void keysAreMadeOnce(@TempDir Path fresh) throws Exception {
        SigningKeys made = TestTokens.keys(fresh.resolve("keys"));
        assertEquals(made, TestTokens.keys(fresh.resolve("keys")));
        assertEquals(made.publicPem(), Files.readString(fresh.resolve("keys/id_ecdsa.pub")));
        assertTrue(made.publicPem().startsWith("-----BEGIN PUBLIC KEY-----\n"));
        String secret = Files.readString(fresh.resolve("keys/id_ecdsa"));
        assertTrue(secret.startsWith("-----BEGIN PRIVATE KEY-----\n"));
        assertEquals("rw-------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(fresh.resolve("keys/id_ecdsa"))));
        assertFalse(made.toString().contains(secret.lines().skip(1).findFirst().orElseThrow()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"id_ecdsa", "id_ecdsa.pub"})
    @Proves("http-api.md 3.4")
    void oneKeyFileAloneIsRefused(String missing) throws Exception {
        Files.delete(directory.resolve(missing));
        EngineException e = assertThrows(EngineException.class, () -> TestTokens.keys(directory));
        assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
        assertTrue(e.getMessage().startsWith("only one of "), e.getMessage());
        assertFalse(Files.exists(directory.resolve(missing)));
    }

    @Test
    @Proves("http-api.md 3.4")
    void keyFilesThatAreNoPairAreRefused(@TempDir Path other) throws Exception {
        TestTokens.keys(other);
        String ours = Files.readString(directory.resolve("id_ecdsa.pub"));
        for (String wrong : List.of("", "rubbish", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                ours.substring(0, ours.length() / 2), Files.readString(other.resolve("id_ecdsa.pub")),
                curve384())) {
            Files.writeString(directory.resolve("id_ecdsa.pub"), wrong);
            EngineException e = assertThrows(EngineException.class, () -> TestTokens.keys(directory), wrong);
            assertEquals(ErrorCode.STORAGE_CORRUPT, e.code());
        }
    }

    private static String curve384() throws Exception {
        return "-----BEGIN PUBLIC KEY-----\n" + Base64.getMimeEncoder().encodeToString(
                FakeIssuer.ec(Curve.P_384, null).toECPublicKey().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
    }
}
