package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import dev.geodesic.testkit.Vectors;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.container.test.api.RunAsClient;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The HTTP routes of the built EAR, with real modules: what they do, and what they do with bad input. */
@ExtendWith(ArquillianExtension.class)
@RunAsClient
@Timeout(180)
class HttpIT implements BackupTests, BusyTests, DiskFaultTests, FuzzTests, McpTests, NamesTests, OperatingTests,
        RightsTests, RuleTests, SnapshotTests, StopTests, ToolTests, ToolProgramTests {

    private static final String CHAT = "chat/module/chat.wasm";
    private static final int CALL_BYTES_MAX = 2 << 20;

    private final Http http = new Http();
    private Caller owner;
    private Caller other;

    @Deployment
    static EnterpriseArchive ear() {
        return Ear.with(HttpIT.class);
    }

    @BeforeEach
    void callers() throws Exception {
        owner = http.newCaller();
        other = http.newCaller();
    }

    @AfterEach
    void close() {
        http.close();
    }

    private void created(String name, String module) throws Exception {
        Answer answer = http.publish(name, owner, Http.module(module));
        assertEquals(200, answer.status(), answer::body);
        assertEquals("created", answer.json().getJsonObject("Success").getString("op"));
    }

    private static void refused(int status, String text, Answer answer) {
        assertEquals(status + " " + text, answer.status() + " " + answer.body());
        assertEquals("text/plain;charset=utf-8", answer.header("content-type").replace(" ", ""));
    }

    private int rows(String name, String table) throws Exception {
        Answer answer = http.sql(name, owner, "SELECT * FROM " + table);
        assertEquals(200, answer.status(), answer::body);
        return Json.createReader(new StringReader(answer.body())).readArray().getJsonObject(0).getJsonArray("rows").size();
    }

    // ---- procedures and handlers ----

    @Test
    @Proves("http-api.md 6.11")
    @Proves("execution.md 8.1")
    void callsProcedures() throws Exception {
        created("procs", PROCEDURES);
        Answer sum = http.call("procs", "sum", other, "[40, 2]");
        assertEquals(200, sum.status());
        assertEquals("42", sum.body());
        assertEquals("application/json", sum.header("content-type"));
        assertFalse(sum.header("spacetime-execution-duration-micros").isEmpty());
        assertTrue(sum.headers().firstValue("spacetime-energy-used").isEmpty());
        assertEquals("[1,\"not ok\"]", http.call("procs", "checked", other, "[false]").body());
        assertEquals("1", http.call("procs", "add_item", other, "[7]").body());
        assertEquals(1, rows("procs", "item"));
        Answer wrong = http.call("procs", "sum", other, "[1]");
        assertEquals(400, wrong.status());
        assertTrue(wrong.body().startsWith("invalid arguments for procedure sum: "), wrong::body);
        Answer trapped = http.call("procs", "fall_now", other, "[\"panic\"]");
        assertEquals(500, trapped.status());
        assertTrue(trapped.body().startsWith("The module instance encountered a fatal error: "), trapped::body);
        Answer inside = http.call("procs", "fetch", other, "[\"" + Ear.SERVER + "v1/ping\", 5000]");
        assertTrue(inside.body().contains("refusing to connect to private or special-purpose addresses"), inside::body);
    }

    private static HttpRequest.Builder route(String method, String path, String body) {
        return Http.request(method, "/v1/database/routes/route" + path, null, HttpRequest.BodyPublishers.ofString(body));
    }

    @Test
    @Proves("http-api.md 6.14")
    @Proves("execution.md 8.2")
    void handsRequestsToTheModule() throws Exception {
        created("routes", PROCEDURES);
        Answer answer = http.send(route("POST", "/mirror?a=%20b&c", "text")
                .header("x-forwarded-proto", "https").header("x-forwarded-host", "front.test:444, inner.test")
                .header("x-in", "1").header("authorization", "no such scheme"));
        assertEquals(299, answer.status(), answer::body);
        assertEquals("POST https://front.test:444/v1/database/routes/route/mirror?a=%20b&c HTTP/1.1 text", answer.body());
        assertEquals(List.of("1", "2"), answer.headers().allValues("x-many"));
        assertEquals("1", answer.header("x-in"));
        assertEquals("no such scheme", answer.header("authorization"));
        assertEquals("", answer.header("content-type"));
        assertEquals("", answer.header("spacetime-identity"));
        assertEquals("*", answer.header("access-control-allow-origin"));
        String host = "http://" + Ear.SERVER.getAuthority() + "/v1/database/routes/route";
        assertEquals("PURGE " + host + " HTTP/1.1 ", http.send(route("PURGE", "", "")).body());
        assertEquals("DELETE " + host + "/ HTTP/1.1 ", http.send(route("DELETE", "/", "")).body());
        assertEquals("1", http.send(route("POST", "/store", "3")).body());
        assertEquals(1, rows("routes", "item"));
        for (String[] none : new String[][] {{"HEAD", "/mirror"}, {"GET", "/store"}, {"GET", "/mirror/"}, {"GET", "/none"}}) {
            Answer missing = http.send(route(none[0], none[1], ""));
            assertEquals(404, missing.status(), none[1]);
            assertEquals(none[0].equals("HEAD") ? "" : "Database has not registered a handler for this route", missing.body());
        }
        Answer trapped = http.send(route("GET", "/broken?panic", ""));
        assertEquals(500, trapped.status());
        assertTrue(trapped.body().startsWith("The module instance encountered a fatal error: "), trapped::body);
        assertEquals(200, http.send(route("OPTIONS", "/mirror", "")).status());
        Answer nowhere = http.send("GET", "/v1/database/no-such-database/route/x", null);
        assertEquals(404, nowhere.status());
    }

    // ---- life of a database ----

    @Test
    @Proves("http-api.md 6.1")
    @Proves("http-api.md 6.4")
    @Proves("module-def.md 9")
    void publishesUpdatesClearsAndDeletes() throws Exception {
        created("life", KITCHEN);
        String identity = http.send("GET", "/v1/database/life/identity", owner).body();
        assertEquals(200, http.call("life", "add_member", owner, "[1, 1, \"ann\", true]").status());

        Answer same = http.publish("life", owner, Http.module(KITCHEN));
        assertEquals(
                "{\"Success\":{\"domain\":\"life\",\"database_identity\":\"" + identity + "\",\"op\":\"updated\"}}", same.body());
        assertEquals(1, rows("life", "member"));

        Answer unlike = http.publish("life", owner, Http.module(CHAT));
        refused(400, "Failed to create or update the database: Migration plan contains a client-breaking change which is "
                + "disallowed under current policy", unlike);
        assertEquals(1, rows("life", "member"));

        Answer cleared = http.send("PUT", "/v1/database/life?clear=true", owner, Http.module(KITCHEN));
        assertEquals(same.body(), cleared.body());
        assertEquals(0, rows("life", "member"));

        assertEquals(200, http.send("POST", "/v1/database/life/lock", owner).status());
        refused(403, "Database is locked and cannot be reset with --delete-data. Run `spacetime unlock` first.",
                http.send("PUT", "/v1/database/life/reset", owner));
        refused(403, "Database is locked and cannot be deleted. Run `spacetime unlock` first.",
                http.send("DELETE", "/v1/database/life", owner));
        assertEquals(200, http.send("POST", "/v1/database/life/unlock", owner).status());

        assertEquals(200, http.call("life", "add_member", owner, "[1, 1, \"ann\", true]").status());
        assertEquals(same.body(), http.send("PUT", "/v1/database/life/reset", owner).body());
        assertEquals(0, rows("life", "member"));
        assertEquals(2, rows("life", "team"));

        assertEquals(200, http.send("DELETE", "/v1/database/life", owner).status());
        refused(404, "No such database.", http.send("GET", "/v1/database/life", owner));
        assertEquals(identity, http.send("GET", "/v1/database/life/identity", owner).body());
        Answer stolen = http.publish("life", other, Http.module(CHAT));
        assertEquals("401 {\"PermissionDenied\":{\"name\":\"life\"}}", stolen.status() + " " + stolen.body());
        created("life", CHAT);
        assertEquals(identity, http.send("GET", "/v1/database/life/identity", owner).body());
    }

    @Test
    @Proves("http-api.md 7")
    void saysWhichBuildItIs() throws Exception {
        assertEquals("{\"package_name\":\"geodesic\",\"version\":\"" + System.getProperty("project.version")
                + "\",\"nodes\":[0],\"schedulable\":true}", http.send("GET", "/v1/health", null).body());
    }

    @Test
    @Proves("http-api.md 6.2")
    @Proves("module-def.md 9")
    void previewsUpdates() throws Exception {
        created("preview", CHAT);
        Answer possible = http.send("POST", "/v1/database/preview/pre_publish?style=NoColor", owner, Http.module(CHAT));
        assertEquals("application/json", possible.header("content-type"));
        JsonObject plan = possible.json().getJsonObject("AutoMigrate");
        assertFalse(plan.getBoolean("break_clients"));
        assertTrue(plan.getString("migrate_plan").contains("\nDatabase Migration Plan\n"), possible::body);
        String token = plan.getString("token");
        assertTrue(token.matches("0x[0-9a-f]{1,64}"), token);
        Answer agreed = http.send("PUT", "/v1/database/preview?policy=BreakClients&token=" + token, owner, Http.module(CHAT));
        assertEquals("updated", agreed.json().getJsonObject("Success").getString("op"));

        JsonObject breaking = http.send("POST", "/v1/database/preview/pre_publish", owner, Http.module(KITCHEN)).json()
                .getJsonObject("AutoMigrate");
        assertTrue(breaking.getBoolean("break_clients"));
        refused(400, "Failed to create or update the database: Token provided is invalid or does not match expected hash",
                http.send("PUT", "/v1/database/preview?policy=BreakClients&token=" + token, owner, Http.module(KITCHEN)));
        refused(400, "Migration policy is set to `BreakClients`, but no migration token was provided.",
                http.send("PUT", "/v1/database/preview?policy=BreakClients", owner, Http.module(KITCHEN)));
        refused(400, "Failed to create or update the database: Migration plan contains a client-breaking change which is "
                + "disallowed under current policy", http.publish("preview", owner, Http.module(KITCHEN)));
        Answer broken = http.send("PUT", "/v1/database/preview?policy=BreakClients&token=" + breaking.getString("token"), owner,
                Http.module(KITCHEN));
        assertEquals(200, broken.status(), broken::body);
    }

    @Test
    @Proves("http-api.md 6.2")
    @Proves("module-def.md 9")
    void saysWhyAnUpdateIsImpossible() throws Exception {
        created("impossible", "modules/v1/kitchen_v1.wasm");
        JsonObject manual = http.send("POST", "/v1/database/impossible/pre_publish", owner, Http.module(KITCHEN)).json()
                .getJsonObject("ManualMigrate");
        assertTrue(manual.getBoolean("major_version_upgrade"));
        String reason = manual.getString("reason");
        assertTrue(reason.startsWith("Errors occurred:\nChanging the type of column color in table compounds"), reason);
        refused(400, "Database update rejected: " + reason, http.publish("impossible", owner, Http.module(KITCHEN)));
    }

    /** The same program with one more custom section: other bytes, so another program. */
    private static byte[] variant(byte[] program, String note) {
        byte[] name = note.getBytes(StandardCharsets.US_ASCII);
        byte[] variant = Arrays.copyOf(program, program.length + 3 + name.length);
        variant[program.length + 1] = (byte) (name.length + 1);
        variant[program.length + 2] = (byte) name.length;
        System.arraycopy(name, 0, variant, program.length + 3, name.length);
        return variant;
    }

    @Test
    void keepsTheDataWhenTheProgramChanges() throws Exception {
        created("update", CHAT);
        assertEquals(200, http.call("update", "send_message", owner, "[\"hello\"]").status());
        byte[] second = variant(Http.module(CHAT), "second");
        byte[] third = variant(Http.module(CHAT), "third");
        Answer initial = http.send("GET", "/v1/database/update", owner);

        Answer updated = http.publish("update", owner, second);
        assertEquals("updated", updated.json().getJsonObject("Success").getString("op"), updated::body);
        String agreed = token("update", third);
        assertNotEquals(token("update", second), agreed);
        refused(400, "Failed to create or update the database: Token provided is invalid or does not match expected hash",
                http.send("PUT", "/v1/database/update?policy=BreakClients&token=0x1", owner, third));
        Answer confirmed = http.send(
                "PUT", "/v1/database/update?update_confirmation_timeout=30s&policy=BreakClients&token=" + agreed, owner, third);
        assertEquals(200, confirmed.status(), confirmed::body);
        assertEquals(1, rows("update", "message"));
        assertEquals(200, http.call("update", "send_message", owner, "[\"again\"]").status());
        assertEquals(2, rows("update", "message"));
        assertEquals(initial.body(), http.send("GET", "/v1/database/update", owner).body());
        assertEquals(200, http.send("PUT", "/v1/database/update/reset", owner, third).status());
        assertNotEquals(initial.body(), http.send("GET", "/v1/database/update", owner).body());
    }

    private String token(String name, byte[] program) throws Exception {
        Answer answer = http.send("POST", "/v1/database/" + name + "/pre_publish", owner, program);
        return answer.json().getJsonObject("AutoMigrate").getString("token");
    }

    @Test
    @Proves("http-api.md 2")
    void answersPreciselyWhatValuesAre() throws Exception {
        created("values", KITCHEN);
        assertEquals(200, http.call("values", "add_member", owner,
                "{\"id\": 7, \"team_id\": 4294967295, \"name\": \"\\\"ä€😀\\n\", \"active\": false}").status());
        Answer answer = http.sql("values", null, "SELECT * FROM member");
        assertEquals("application/json", answer.header("content-type"));
        assertEquals("[[7,4294967295,\"\\\"ä€😀\\n\",false]]",
                Json.createReader(new StringReader(answer.body())).readArray().getJsonObject(0).getJsonArray("rows").toString());
        Answer changed = http.sql("values", owner, "DELETE FROM member");
        assertEquals("{\"rows_inserted\":0,\"rows_deleted\":1,\"rows_updated\":0}",
                Json.createReader(new StringReader(changed.body())).readArray().getJsonObject(0).get("stats").toString());
    }

    @Test
    void losesNoCallOfMany() throws Exception {
        created("many", KITCHEN);
        int callers = 8;
        int each = 50;
        try (ExecutorService threads = Executors.newFixedThreadPool(callers)) {
            List<Callable<Integer>> work = new ArrayList<>();
            for (int c = 0; c < callers; c++) {
                int from = c * each;
                work.add(() -> {
                    int done = 0;
                    for (int id = from; id < from + each; id++) {
                        Answer answer = http.call("many", "add_member", owner, "[" + id + ", 1, \"m\", true]");
                        done += answer.status() == 200 ? 1 : 0;
                    }
                    return done;
                });
            }
            for (Future<Integer> done : threads.invokeAll(work)) {
                assertEquals(each, done.get());
            }
        }
        assertEquals(callers * each, rows("many", "member"));
    }

    @Test
    @Proves("http-api.md 6.10")
    void followsTheLogUntilTheReaderLeaves() throws Exception {
        created("logs", KITCHEN);
        HttpResponse<InputStream> following = http.open(
                Http.request("GET", "/v1/database/logs/logs?num_lines=1&follow=true", owner, HttpRequest.BodyPublishers.noBody()),
                HttpResponse.BodyHandlers.ofInputStream());
        assertEquals(200, following.statusCode());
        assertEquals(Optional.of("application/x-ndjson"), following.headers().firstValue("content-type"));
        assertEquals(Optional.of("no-cache"), following.headers().firstValue("cache-control"));
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(following.body(), StandardCharsets.UTF_8))) {
            assertTrue(lines.readLine().contains("Database initialized"));
            assertEquals(1, followers());
            for (int i = 0; i < 3; i++) {
                // Each line arrives although nothing follows it that could push it out.
                assertEquals(530, http.call("logs", "fail", owner, "[\"number " + i + "\"]").status());
                String line = lines.readLine();
                assertTrue(line.contains("number " + i), line);
                assertEquals("Error", Json.createReader(new StringReader(line)).readObject().getString("level"));
            }
        }
        long start = System.nanoTime();
        while (followers() > 0) {
            assertTrue(System.nanoTime() - start < 60_000_000_000L, "the reader left a minute ago");
            Thread.onSpinWait();
        }
        Answer last = http.send("GET", "/v1/database/logs/logs?num_lines=2", owner);
        assertEquals(List.of("number 1", "number 2"), last.body().lines()
                .map(line -> Json.createReader(new StringReader(line)).readObject().getString("message")).toList());
    }

    private int followers() throws Exception {
        Answer metrics = http.send("GET", "/v1/metrics", null);
        return metrics.body().lines().filter(line -> line.startsWith("geodesic_log_followers "))
                .mapToInt(line -> Integer.parseInt(line.split(" ")[1])).findFirst().orElseThrow();
    }

    @Test
    @Proves("http-api.md 1")
    @Proves("http-api.md 4")
    @Proves("http-api.md 5")
    @Proves("http-api.md 6.1")
    @Proves("http-api.md 6.2")
    @Proves("http-api.md 6.3")
    @Proves("http-api.md 6.4")
    @Proves("http-api.md 6.5")
    @Proves("http-api.md 6.6")
    @Proves("http-api.md 6.7")
    @Proves("http-api.md 6.8")
    @Proves("http-api.md 6.9")
    @Proves("http-api.md 6.10")
    @Proves("http-api.md 6.11")
    @Proves("http-api.md 6.12")
    @Proves("http-api.md 6.13")
    @Proves("http-api.md 7")
    void answersRecordedRequestsAsRecorded() throws Exception {
        assertEquals(200, http.publish("gh-m", owner, Http.module(CHAT)).status());
        RecordedHttp recorded = new RecordedHttp(http, owner, other, Map.of(
                "{{golden-2.8.3.wasm}}", Http.module("modules/golden-v2/golden_v2.wasm"),
                "{{small.wasm}}", Http.module(CHAT),
                "{{8 byte empty wasm module}}", new byte[] {0, 'a', 's', 'm', 1, 0, 0, 0},
                "{{JSON over 2 MiB}}", ("[1, \"" + "x".repeat(CALL_BYTES_MAX) + "\"]").getBytes(StandardCharsets.UTF_8)));
        for (String line : Vectors.lines(HttpIT.class, "/golden/http.jsonl")) {
            recorded.replay(line);
        }
        assertTrue(recorded.replayed() > 140, "only " + recorded.replayed() + " requests were compared");
    }

    // ---- bad input ----

    private static String part(String json) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    @Proves("http-api.md 3.1")
    @Proves("http-api.md 3.4")
    void refusesForgedTokens() throws Exception {
        String[] parts = owner.token().split("\\.");
        String header = parts[0];
        String payload = new String(Base64.getUrlDecoder().decode(parts[1]), StandardCharsets.UTF_8);
        Mac mac = Mac.getInstance("HmacSHA256");
        byte[] publicKey = http.send("GET", "/v1/identity/public-key", null).body().getBytes(StandardCharsets.UTF_8);
        mac.init(new SecretKeySpec(publicKey, "HmacSHA256"));
        String signedByPublicKey = part("{\"typ\":\"JWT\",\"alg\":\"HS256\"}") + "." + parts[1];
        byte[] hmac = mac.doFinal(signedByPublicKey.getBytes(StandardCharsets.UTF_8));
        List<String> forged = List.of(
                part("{\"typ\":\"JWT\",\"alg\":\"none\"}") + "." + parts[1] + ".",
                signedByPublicKey + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(hmac),
                header + "." + part(payload.replace(owner.identity(), other.identity())) + "." + parts[2],
                header + "." + parts[1] + "." + other.token().split("\\.")[2],
                header + "." + parts[1] + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[64]),
                header + "." + parts[1],
                "..",
                "x".repeat(6_000));
        for (String token : forged) {
            Answer answer = http.send("POST", "/v1/identity/websocket-token", new Caller("", token));
            assertEquals(401, answer.status(), token);
            assertTrue(answer.body().startsWith("Invalid token: "), answer::body);
            Answer database = http.sql("none", new Caller("", token), "SELECT 1");
            assertEquals(401, database.status(), token);
            assertEquals("", database.header("spacetime-identity"));
        }
    }

    @Test
    @Proves("http-api.md 8")
    void readsNoMoreThanItsLimits() throws Exception {
        created("limits", KITCHEN);
        byte[] longArguments = ("[1, \"" + "x".repeat(CALL_BYTES_MAX) + "\"]").getBytes(StandardCharsets.UTF_8);
        String path = "/v1/database/limits/call/add_secret";
        HttpRequest.BodyPublisher announced = HttpRequest.BodyPublishers.ofByteArray(longArguments);
        HttpRequest.BodyPublisher chunked =
                HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(longArguments));
        for (HttpRequest.BodyPublisher body : List.of(announced, chunked)) {
            refused(413, "Failed to buffer the request body: length limit exceeded",
                    http.send(Http.request("POST", path, owner, body).header("Content-Type", "application/json")));
        }
        assertEquals(0, rows("limits", "secret"));
        refused(413, "Failed to buffer the request body: length limit exceeded",
                http.send("POST", "/v1/database/limits/sql", owner, longArguments));
        // Of the largest size that is allowed, and chunked: only the statement is too long.
        byte[] statement = ("SELECT * FROM team -- " + "x".repeat(60_000)).getBytes(StandardCharsets.UTF_8);
        assertEquals(400, http.send(Http.request("POST", "/v1/database/limits/sql", owner,
                HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(statement)))).status());
        byte[] large = new byte[(64 << 20) + 1];
        refused(413, "Failed to buffer the request body: length limit exceeded",
                http.send(Http.request("PUT", "/v1/database/too-large", owner,
                        HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)))));
        assertEquals(2, rows("limits", "team"));
    }

    /** Bodies that end before their announced length, and clients that leave, harm nobody else. */
    @Test
    void survivesBrokenRequests() throws Exception {
        created("broken", KITCHEN);
        String head = " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + owner.token()
                + "\r\nContent-Type: application/json\r\n";
        String calls = "POST /v1/database/broken/call/add_member" + head;
        List<String> requests = List.of(
                calls + "Content-Length: 1000\r\n\r\n[1, 1, \"ann\", true]",
                calls + "Transfer-Encoding: chunked\r\n\r\n5\r\n[1, 1",
                calls + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n[1, 1",
                calls + "Content-Length: -5\r\n\r\n[1, 1, \"ann\", true]",
                "PUT /v1/database/broken" + head + "Content-Length: 99999999\r\n\r\n\0asm",
                "GET /v1/database/broken/logs?follow=true" + head + "\r\n");
        for (String request : requests) {
            try (Socket socket = new Socket(Ear.SERVER.getHost(), Ear.SERVER.getPort())) {
                socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
                socket.getOutputStream().flush();
            }
        }
        assertEquals(0, rows("broken", "member"));
        assertEquals(200, http.call("broken", "add_member", owner, "[1, 1, \"ann\", true]").status());
        assertEquals(1, rows("broken", "member"));
    }

    @Test
    @Proves("http-api.md 6.11")
    void insistsOnTheContentTypeOfCalls() throws Exception {
        created("types", KITCHEN);
        HttpRequest.BodyPublisher arguments = HttpRequest.BodyPublishers.ofString("[]");
        refused(400, "Header of type `content-type` was missing",
                http.send(Http.request("POST", "/v1/database/types/call/nothing", owner, arguments)));
        for (String type : List.of("text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded")) {
            refused(415, "Expected request with `Content-Type: application/json`", http.send(
                    Http.request("POST", "/v1/database/types/call/nothing", owner, arguments).header("Content-Type", type)));
            // SQL is taken with any.
            assertEquals(200, http.send(Http.request("POST", "/v1/database/types/sql", owner,
                    HttpRequest.BodyPublishers.ofString("SELECT * FROM team")).header("Content-Type", type)).status());
        }
    }

    @Test
    void refusesProgramsThatAreNone() throws Exception {
        byte[] good = Http.module(CHAT);
        Seeds.repeat(20, random -> {
            byte[] bad = switch (random.nextInt(3)) {
                case 0 -> {
                    byte[] rubbish = new byte[random.nextInt(5_000)];
                    random.nextBytes(rubbish);
                    yield rubbish;
                }
                case 1 -> Arrays.copyOf(good, random.nextInt(good.length));
                default -> {
                    byte[] head = Arrays.copyOf(good, 8 + random.nextInt(64));
                    random.nextBytes(head);
                    System.arraycopy(good, 0, head, 0, 8);
                    yield head;
                }
            };
            Answer answer = http.publish("rubbish", owner, bad);
            assertEquals(500, answer.status(), answer::body);
            assertFalse(answer.body().isBlank());
            refused(404, "`rubbish` not found", http.send("GET", "/v1/database/rubbish", owner));
        });
        created("rubbish", CHAT);
    }

    @Test
    void refusesJavaScript() throws Exception {
        refused(400, "JavaScript modules are not supported by this server; publish WebAssembly",
                http.send("PUT", "/v1/database/lacking?host_type=Js", owner, new byte[] {'1'}));
    }

    @Test
    void knowsNoUnknownNames() throws Exception {
        byte[] body = "SELECT 1".getBytes(StandardCharsets.UTF_8);
        String nobody = "0".repeat(64);
        for (String route : List.of("GET ", "DELETE ", "POST /lock", "POST /unlock", "GET /identity", "GET /names",
                "POST /names", "GET /schema?version=9", "GET /logs", "POST /sql", "POST /pre_publish", "PUT /reset",
                "GET /unstable/timestamp")) {
            String method = route.split(" ")[0];
            String path = route.substring(method.length() + 1);
            Answer answer = http.send(method, "/v1/database/unheard-of" + path, owner, body);
            refused(404, "`unheard-of` not found", answer);
            assertEquals(owner.identity(), answer.header("spacetime-identity"));
            assertEquals(owner.token(), answer.header("spacetime-identity-token"));
            assertEquals("*", answer.header("access-control-allow-origin"));
            refused(400, "Invalid URL: invalid characters in database name",
                    http.send(method, "/v1/database/Up_Per" + path, owner, body));
            if (!List.of("DELETE ", "GET /identity", "GET /names").contains(route)) {
                refused(404, "No such database.", http.send(method, "/v1/database/" + nobody + path, owner, body));
            }
        }
        refused(400, "Invalid URL: more than 256 characters in database name",
                http.publish("a".repeat(257), owner, Http.module(CHAT)));
    }

    @Test
    @Proves("http-api.md 3.5")
    void leavesDatabasesToTheirOwners() throws Exception {
        created("owned", KITCHEN);
        String identity = http.send("GET", "/v1/database/owned/identity", owner).body();
        byte[] program = Http.module(KITCHEN);
        for (Caller stranger : Arrays.asList(other, null)) {
            for (String route : List.of("PUT  update database", "PUT ?clear=true reset database",
                    "POST /pre_publish update database", "PUT /reset reset database", "DELETE  delete database",
                    "POST /lock delete database", "POST /unlock delete database", "GET /logs view module logs")) {
                String[] parts = route.split(" ", 3);
                Answer answer = http.send(parts[0], "/v1/database/owned" + parts[1], stranger, program);
                refused(403, answer.header("spacetime-identity") + " is not authorized to perform action on database "
                        + identity + ": " + parts[2], answer);
                assertNotEquals(owner.identity(), answer.header("spacetime-identity"));
            }
            assertEquals(400, http.sql("owned", stranger, "DELETE FROM team").status());
            assertEquals(400, http.sql("owned", stranger, "SELECT * FROM secret").status());
            Answer renamed = http.send(Http.request("PUT", "/v1/database/owned/names", stranger,
                    HttpRequest.BodyPublishers.ofString("[\"mine\"]")).header("Content-Type", "application/json"));
            assertEquals("401 {\"NotYourDatabase\":{\"database\":\"" + identity + "\"}}",
                    renamed.status() + " " + renamed.body());
            Answer named = http.send("POST", "/v1/database/owned/names", stranger, "mine".getBytes(StandardCharsets.UTF_8));
            assertEquals("401 {\"PermissionDenied\":{\"domain\":\"mine\"}}", named.status() + " " + named.body());
        }
        assertEquals("{\"names\":[\"owned\"]}", http.send("GET", "/v1/database/owned/names", null).body());
        assertEquals(2, rows("owned", "team"));
    }

    /** Percent-encoding that means nothing, and headers that cannot be read, are the client's fault, not the server's. */
    @Test
    void answersMalformedRequestsWithClientErrors() throws Exception {
        created("malformed", KITCHEN);
        for (String line : List.of("GET /v1/ping?token=%zz", "GET /v1/database/malformed/schema?version=%",
                "PUT /v1/database/a%2Fb", "PUT /v1/database/%00", "GET /v1/database/%c3%28/identity",
                "GET /v1/database/malformed/logs?num_lines=99999999999999999999", "GET /v1/%2e%2e/WEB-INF/web.xml",
                "POST /v1/database/malformed/names", "PATCH /v1/database/malformed", "GET /v1/mcp?a=%zz",
                "POST /v1/database/malformed/sql?a=%zz&b=%20")) {
            try (Socket socket = new Socket(Ear.SERVER.getHost(), Ear.SERVER.getPort())) {
                String body = line.contains("a=%zz") ? "{}" : "";
                String request = line + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length()
                        + "\r\nConnection: close\r\n\r\n" + body;
                socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
                String status = new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1)).readLine();
                assertTrue(status != null && status.startsWith("HTTP/1.1 4"), line + ": " + status);
            }
        }
    }

    @Test
    @Proves("http-api.md 8")
    void letsPagesOfOtherOriginsIn() throws Exception {
        for (String path : List.of("/v1/identity/websocket-token", "/v1/database/nowhere/sql")) {
            Answer answer = http.send(Http.request("OPTIONS", path, null, HttpRequest.BodyPublishers.noBody())
                    .header("Origin", "http://page.example").header("Access-Control-Request-Method", "POST")
                    .header("Access-Control-Request-Headers", "authorization"));
            assertEquals(200, answer.status());
            assertEquals("*", answer.header("access-control-allow-origin"));
            assertEquals("*", answer.header("access-control-allow-methods"));
            assertEquals("authorization,accept,content-type", answer.header("access-control-allow-headers"));
            assertEquals("POST", answer.header("allow"));
            assertEquals("", answer.body());
        }
        assertEquals("", http.send("OPTIONS", "/v1/nowhere", null).header("allow"));
    }

    @Test
    void showsABrowserWhereToGo() throws Exception {
        Answer page = http.send("GET", "/", null);
        assertEquals(200, page.status());
        assertTrue(page.header("content-type").startsWith("text/html"), page.header("content-type"));
        List<String> links = Stream.of(page.body().split("href=\"")).skip(1).map(part -> part.substring(0, part.indexOf('"')))
                .filter(link -> !link.startsWith("data:")).toList();
        assertFalse(links.isEmpty());
        for (String link : links) {
            assertEquals(200, http.send("GET", "/" + link, null).status(), link);
        }
    }
}
