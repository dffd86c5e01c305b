package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.IdentityDerivation;
import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.asset.StringAsset;
import org.jboss.shrinkwrap.api.importer.ZipImporter;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.jboss.shrinkwrap.api.spec.JavaArchive;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Tokens of another issuer, and a server on which not everybody may publish. */
@ExtendWith(ArquillianExtension.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(120)
class AuthIT {

    private static final Issuer ISSUER = new Issuer();
    private static final Path CHAT = Path.of("../samples/chat/module/chat.wasm");
    private static final String NOT_ALLOWED =
            "To create a database, you must be logged in as somebody who may publish on this server.";

    private static String name;
    private static User owner;

    @Deployment(testable = false)
    static EnterpriseArchive ear() {
        EnterpriseArchive ear = ShrinkWrap.create(ZipImporter.class, "geodesic.ear")
                .importFrom(new File(System.getProperty("ear.file"))).as(EnterpriseArchive.class);
        ear.addAsLibrary(ShrinkWrap.create(JavaArchive.class, "settings.jar").addAsManifestResource(new StringAsset(
                "geodesic.oidc.issuers=URL,URL/slow1,URL/slow2,URL/slow3,URL/dead,URL/strict app\n".replace("URL", ISSUER.url)
                        + "geodesic.publish.allowed=role:publisher,issuer:" + ISSUER.url + "\n"),
                "microprofile-config.properties"));
        ear.addAsManifestResource(new StringAsset("""
                <application-bnd xmlns="http://websphere.ibm.com/xml/ns/javaee" version="1.2">
                  <security-role name="publisher"><user name="pat"/></security-role>
                </application-bnd>
                """), "ibm-application-bnd.xml");
        return ear;
    }

    @BeforeAll
    static void publish() throws IOException {
        name = "auth-" + Long.toHexString(System.nanoTime());
        owner = foreign("owner");
        Http.ok("PUT", "database/" + name, owner.token(), Files.readAllBytes(CHAT));
    }

    @AfterAll
    static void close() {
        Http.ok("DELETE", "database/" + name, owner.token(), new byte[0]);
        ISSUER.close();
    }

    private static User foreign(String subject) {
        return new User(IdentityDerivation.fromClaims(ISSUER.url, subject).toHex(), ISSUER.token("", subject, ""));
    }

    private static void refused(int status, String text, HttpResponse<String> answer) {
        assertEquals(status + " " + text, answer.statusCode() + " " + answer.body());
    }

    private static HttpResponse<String> sql(String token) {
        return Http.send("POST", "database/" + name + "/sql", token, "SELECT * FROM message".getBytes(StandardCharsets.UTF_8));
    }

    private static String payload(String token) {
        return new String(Base64.getUrlDecoder().decode(token.split("\\.")[1]), StandardCharsets.UTF_8);
    }

    // ---- tokens of another issuer ----

    @Test
    @Proves("http-api.md 3.1")
    @Proves("http-api.md 3.3")
    @Proves("http-api.md 3.4")
    @Proves("client-expectations.md 12")
    void foreignTokensAreAcceptedEverywhere() {
        User ann = foreign("ann");
        HttpResponse<String> answer = sql(ann.token());
        assertEquals(200, answer.statusCode(), answer::body);
        assertEquals(ann.identity(), answer.headers().firstValue("spacetime-identity").orElseThrow());
        assertEquals(ann.token(), answer.headers().firstValue("spacetime-identity-token").orElseThrow());
        assertEquals(204, Http.send("GET", "identity/" + ann.identity() + "/verify", ann.token(), new byte[0]).statusCode());
        assertEquals(400, Http.send("GET", "identity/" + owner.identity() + "/verify", ann.token(), new byte[0]).statusCode());
        Http.ok(
                "POST", "database/" + name + "/call/send_message", ann.token(),
                "[\"over http\"]".getBytes(StandardCharsets.UTF_8));

        // The swap of the client libraries: a short-lived token of this server, which is still the other issuer's.
        String swapped = Http.string(Http.ok("POST", "identity/websocket-token", ann.token(), new byte[0]), "token");
        assertNotEquals(ann.token(), swapped);
        assertTrue(payload(swapped).contains("\"iss\":\"" + ISSUER.url + "\",\"sub\":\"ann\""), payload(swapped));
        WsClient client = new Upgrade(name, Subprotocol.V2).query("token=" + swapped).open();
        try (client) {
            assertEquals(ann.identity(), client.hello().identity().toHex());
            assertEquals(swapped, client.hello().token());
            client.subscribe(1, 1, "SELECT * FROM message");
            String rows = client.next();
            assertTrue(rows.contains(HexFormat.of().formatHex("over http".getBytes(StandardCharsets.UTF_8))), rows);
            client.call(2, "send_message", "over websocket");
            String result = client.next();
            assertTrue(result.startsWith("result 2 ok"), result);
            assertEquals(1, Http.ok("POST", "database/" + name + "/sql", swapped,
                    ("SELECT * FROM message WHERE text = 'over websocket'").getBytes(StandardCharsets.UTF_8))
                    .split("over websocket", -1).length - 1);
        }
        assertEquals(200, sql(swapped).statusCode());
    }

    @Test
    @Proves("http-api.md 3.1")
    @Proves("http-api.md 3.4")
    @Proves("client-expectations.md 12")
    void foreignTokensThatAreNotGoodAreRefusedEverywhere() {
        long now = Instant.now().getEpochSecond();
        String good = ISSUER.token("", "bad", "");
        for (String[] bad : new String[][] {
            {ISSUER.token("", "bad", ",\"exp\":" + (now - 100)), "ExpiredSignature"},
            {ISSUER.token("", "bad", ",\"nbf\":" + (now + 100)), "ImmatureSignature"},
            {good.substring(0, good.lastIndexOf('.') + 1) + "A".repeat(342), "InvalidSignature"},
            {ISSUER.token("/strict", "bad", ",\"aud\":\"other\""), "InvalidAudience"},
            {ISSUER.token("/unheard-of", "bad", ""), "InvalidIssuer"},
            {ISSUER.token("/dead", "bad", ""), "the keys of its issuer " + ISSUER.url + "/dead are not available"}}) {
            String reason = "Invalid token: " + bad[1];
            HttpResponse<String> answer = sql(bad[0]);
            refused(401, reason, answer);
            assertTrue(answer.headers().firstValue("spacetime-identity").isEmpty());
            assertTrue(answer.headers().firstValue("spacetime-identity-token").isEmpty());
            refused(401, reason, Http.send("GET", "ping", bad[0], new byte[0]));
            refused(401, reason, Http.send("POST", "identity/websocket-token", bad[0], new byte[0]));
            Upgrade.Answer upgrade = new Upgrade(name, Subprotocol.V2).token(bad[0]).send();
            assertEquals("401 " + reason, upgrade.toString());
            assertEquals(null, upgrade.header("spacetime-identity"));
        }
        assertEquals(200, sql(ISSUER.token("/strict", "good", ",\"aud\":[\"other\",\"app\"]")).statusCode());
    }

    /** Requests whose tokens wait for an issuer hold no thread: far more of them than the container has harm nobody. */
    @Test
    @Order(1)
    void aSlowIssuerKeepsNobodyElseWaiting() throws Exception {
        try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            List<CompletableFuture<HttpResponse<String>>> waiting = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                HttpRequest.Builder request = HttpRequest.newBuilder().timeout(Duration.ofSeconds(60))
                        .header("Authorization", "Bearer " + ISSUER.token("/slow" + (1 + i % 2), "s" + i, ""));
                URI root = URI.create("http://localhost:" + Http.PORT + "/v1/");
                waiting.add(client.sendAsync(i % 3 == 0
                        ? request.uri(root.resolve("database/" + name + "/identity")).build()
                        : request.uri(root.resolve("database/" + name + "/sql")).POST(
                                HttpRequest.BodyPublishers.ofString("SELECT * FROM message WHERE text = 's" + i + "'")).build(),
                        HttpResponse.BodyHandlers.ofString()));
            }
            CompletableFuture<WsClient> handshake = CompletableFuture.supplyAsync(() ->
                    new Upgrade(name, Subprotocol.V2).token(ISSUER.token("/slow3", "ws", "")).open());
            Await.until("the issuer is asked", () -> ISSUER.requests.get() >= 3);
            // An issuer that is slower than 5 s is given up, and the machine may be busy.
            for (int i = 0; i < 3; i++) {
                long begin = System.nanoTime();
                assertEquals(200, Http.send("GET", "ping", null, new byte[0]).statusCode());
                assertEquals(200, sql(owner.token()).statusCode());
                long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
                assertTrue(millis < 4_000, "after " + millis + " ms");
            }
            assertTrue(waiting.stream().noneMatch(CompletableFuture::isDone));
            ISSUER.slow.countDown();
            for (int i = 0; i < waiting.size(); i++) {
                HttpResponse<String> answer = waiting.get(i).join();
                assertEquals(200, answer.statusCode(), answer::body);
                assertEquals(IdentityDerivation.fromClaims(ISSUER.url + "/slow" + (1 + i % 2), "s" + i).toHex(),
                        answer.headers().firstValue("spacetime-identity").orElseThrow());
            }
            try (WsClient opened = handshake.join()) {
                assertEquals(IdentityDerivation.fromClaims(ISSUER.url + "/slow3", "ws"), opened.hello().identity());
                opened.call(1, "send_message", "after a while");
                assertEquals("result 1 ok", opened.next());
            }
        }
    }

    @Test
    @Proves("http-api.md 3.5")
    void privateTablesAreForTheOwner() throws Exception {
        String kitchen = name + "-kitchen";
        Http.ok("PUT", "database/" + kitchen, owner.token(), Files.readAllBytes(TestDatabase.V10));
        Http.ok("POST", "database/" + kitchen + "/call/add_secret", owner.token(), "[1,\"x\"]".getBytes(StandardCharsets.UTF_8));
        for (Subprotocol subprotocol : Subprotocol.values()) {
            try (WsClient own = new Upgrade(kitchen, subprotocol).token(owner.token()).open();
                    WsClient stranger = new Upgrade(kitchen, subprotocol).token(foreign("eve").token()).open();
                    WsClient nobody = new Upgrade(kitchen, subprotocol).open()) {
                own.hello();
                own.subscribe(1, 1, "SELECT * FROM secret");
                assertTrue(own.next().contains("secret+"));
                for (WsClient other : List.of(stranger, nobody)) {
                    other.hello();
                    other.subscribe(1, 1, "SELECT * FROM secret");
                    String error = other.next();
                    assertTrue(error.contains("no such table: `secret`"), error);
                    other.query(2, "SELECT * FROM secret");
                    assertTrue(other.next().contains("no such table: `secret`"));
                }
                own.call(3, "add_secret", 2 + subprotocol.ordinal(), "hidden");
                assertTrue(own.next().contains("hidden"));
                stranger.call(4, "nothing");
                String answer = stranger.next();
                assertTrue(!answer.contains("hidden"), answer);
            }
        }
        Http.ok("DELETE", "database/" + kitchen, owner.token(), new byte[0]);
    }

    // ---- who may publish ----

    private static HttpResponse<String> create(String token) throws IOException {
        return Http.send("PUT", "database/new-" + Long.toHexString(System.nanoTime()), token, Files.readAllBytes(CHAT));
    }

    private static void drop(HttpResponse<String> created, String token) {
        assertEquals(200, created.statusCode(), created::body);
        Http.ok("DELETE", "database/" + Http.string(created.body(), "Success", "database_identity"), token, new byte[0]);
    }

    /** A request of somebody who logs in at the application server. */
    private static HttpResponse<String> create(String credentials, String cookie, String token) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + Http.PORT + "/v1/database/new-"
                + Long.toHexString(System.nanoTime()) + (credentials == null ? "" : "?token=" + token)))
                .PUT(HttpRequest.BodyPublishers.ofFile(CHAT));
        if (credentials != null) {
            request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(
                    credentials.getBytes(StandardCharsets.UTF_8)));
        } else {
            request.header("Authorization", "Bearer " + token);
        }
        if (cookie != null) {
            request.header("Cookie", cookie);
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    @Test
    @Proves("http-api.md 3.5")
    @Proves("http-api.md 6.1")
    void onlyNamedIssuersMayPublish() throws Exception {
        User local = Http.newUser();
        refused(401, NOT_ALLOWED, create(null));
        refused(401, NOT_ALLOWED, create(local.token()));
        refused(401, NOT_ALLOWED, Http.send("POST", "database", local.token(), Files.readAllBytes(CHAT)));
        refused(401, NOT_ALLOWED,
                Http.send("PUT", "database/" + "c2".repeat(32), local.token(), Files.readAllBytes(CHAT)));
        refused(401, NOT_ALLOWED, create(ISSUER.token("/strict", "app", ",\"aud\":\"app\"")));
        assertEquals(List.of(), databases(local));
        User ann = foreign("ann");
        HttpResponse<String> created = create(ann.token());
        assertEquals(1, databases(ann).size());
        drop(created, ann.token());
        // Only creation is asked about: everything else is a question of whose the database is.
        assertEquals(200, sql(local.token()).statusCode());
        refused(403, local.identity() + " is not authorized to perform action on database "
                + Http.ok("GET", "database/" + name + "/identity", null, new byte[0]) + ": update database",
                Http.send("PUT", "database/" + name, local.token(), Files.readAllBytes(CHAT)));
    }

    private static List<String> databases(User user) {
        String json = Http.ok("GET", "identity/" + user.identity() + "/databases", null, new byte[0]);
        String inside = json.substring(json.indexOf('[') + 1, json.indexOf(']'));
        return inside.isEmpty() ? List.of() : List.of(inside.split(","));
    }

    @Test
    @Proves("http-api.md 3.5")
    void rolesOfTheApplicationServerMayPublish() throws Exception {
        User local = Http.newUser();
        HttpResponse<String> created = create("pat:pat-secret", null, local.token());
        assertEquals(local.identity(), created.headers().firstValue("spacetime-identity").orElseThrow());
        drop(created, local.token());
        refused(401, NOT_ALLOWED, create("sam:sam-secret", null, local.token()));
        HttpResponse<String> wrong = create("pat:sam-secret", null, local.token());
        assertTrue(wrong.statusCode() == 400 || wrong.statusCode() == 401, wrong::toString);
        refused(401, NOT_ALLOWED, create(null, null, local.token()));
        // The cookie of the login serves the next time, and leaves the header to the token.
        String cookie = created.headers().allValues("set-cookie").stream().filter(c -> c.startsWith("Ltpa")).findFirst()
                .orElseThrow(() -> new AssertionError("no cookie in " + created.headers())).split(";")[0];
        drop(create(null, cookie, local.token()), local.token());
        refused(401, NOT_ALLOWED, create(null, cookie.substring(0, cookie.length() - 20), local.token()));
    }
}
