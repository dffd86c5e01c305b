package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import dev.geodesic.engine.auth.SigningKeys;
import dev.geodesic.engine.durability.FileStorage;
import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who may do what, route by route (spec/http-api.md 3 and 4). */
interface RightsTests {

    /** What the routes below stand for: whose database, and what a request needs. */
    enum Kind {
        /** Says who the caller is. */
        DATABASE,
        /** Does not. */
        OTHER,
        /** Looks at no token. */
        UNASKED
    }

    /**
     * A request and the status that each caller gets.
     *
     * @param path below {@code /v1/}; {@code DB}, {@code ID} and {@code OWNER} stand for the database's name, identity
     *     and owner
     */
    record Route(Kind kind, String method, String path, String type, byte[] body, int owner, int other, int anonymous) {

        static Route of(Kind kind, String request, String body, int owner, int other, int anonymous) {
            String[] parts = request.split(" ");
            return new Route(kind, parts[0], parts[1], parts.length > 2 ? parts[2] : null,
                    body.getBytes(StandardCharsets.UTF_8), owner, other, anonymous);
        }

        HttpRequest.Builder request(String name, Caller owner, String identity, Caller caller, String query) {
            String full = path.replace("DB", name).replace("ID", identity).replace("OWNER", owner.identity());
            HttpRequest.Builder request = Http.request(
                    method, "/v1/" + full + (query.isEmpty() ? "" : (full.contains("?") ? "&" : "?") + query), caller,
                    HttpRequest.BodyPublishers.ofByteArray(body));
            return type == null ? request : request.header("Content-Type", type);
        }

        /** Changes what other requests see. */
        boolean changesDatabase() {
            return kind == Kind.DATABASE && owner == 200 && other != 200 && !method.equals("GET") && !path.endsWith("/sql");
        }

        @Override
        public String toString() {
            return method + " " + path;
        }
    }

    /** Every route of section 4. Those that change the database come last, and the one that deletes it at the very end. */
    private static List<Route> routes() throws Exception {
        byte[] program = Http.module(BusyTests.KITCHEN);
        String json = " application/json";
        List<Route> routes = new ArrayList<>();
        for (Object[] row : new Object[][] {
            {Kind.UNASKED, "POST identity", "", 200, 200, 200},
            {Kind.OTHER, "GET identity/public-key", "", 200, 200, 200},
            {Kind.OTHER, "POST identity/websocket-token", "", 200, 200, 401},
            {Kind.OTHER, "GET identity/OWNER/verify", "", 204, 400, 401},
            {Kind.OTHER, "GET identity/OWNER/databases", "", 200, 200, 200},
            {Kind.OTHER, "GET ping", "", 200, 200, 200},
            {Kind.OTHER, "GET health", "", 200, 200, 200},
            {Kind.OTHER, "GET metrics", "", 200, 200, 200},
            {Kind.OTHER, "GET prometheus/sd_config", "", 200, 200, 200},
            {Kind.OTHER, "GET energy/OWNER", "", 200, 200, 200},
            {Kind.OTHER, "POST energy/OWNER?amount=1", "", 200, 200, 401},
            {Kind.OTHER, "PUT energy/OWNER?balance=1", "", 401, 401, 401},
            {Kind.DATABASE, "GET database/DB", "", 200, 200, 200},
            {Kind.DATABASE, "GET database/DB/identity", "", 200, 200, 200},
            {Kind.DATABASE, "GET database/DB/names", "", 200, 200, 200},
            {Kind.DATABASE, "GET database/DB/schema?version=9", "", 200, 200, 200},
            {Kind.DATABASE, "GET database/DB/schema?version=10", "", 200, 200, 200},
            {Kind.DATABASE, "GET database/DB/logs", "", 200, 403, 403},
            {Kind.DATABASE, "GET database/DB/unstable/timestamp", "", 200, 200, 200},
            {Kind.DATABASE, "GET database/DB/subscribe", "", 426, 426, 426},
            {Kind.DATABASE, "GET database/DB/environment", "", 200, 403, 403},
            {Kind.DATABASE, "POST database/DB/snapshots", "", 200, 403, 403},
            {Kind.DATABASE, "GET database/DB/snapshots", "", 200, 403, 403},
            {Kind.DATABASE, "POST database/DB/call/nothing" + json, "[]", 200, 200, 200},
            {Kind.DATABASE, "POST database/DB/call/connected" + json, "[]", 400, 400, 400},
            {Kind.DATABASE, "POST database/DB/sql", "SELECT * FROM team", 200, 200, 200},
            {Kind.DATABASE, "POST database/DB/sql", "SELECT * FROM secret", 200, 400, 400},
            {Kind.DATABASE, "POST database/DB/sql", "SELECT * FROM st_connection_credentials", 200, 400, 400},
            {Kind.DATABASE, "POST database/DB/sql", "DELETE FROM secret WHERE id = 77", 200, 400, 400},
            {Kind.DATABASE, "POST database/DB/sql", "INSERT INTO team (id, name) VALUES (77, 'x')", 200, 400, 400},
            {Kind.DATABASE, "POST database/DB/sql", "UPDATE team SET name = 'y' WHERE id = 77", 200, 400, 400},
            {Kind.DATABASE, "POST database/DB/sql", "DELETE FROM team WHERE id = 77", 200, 400, 400},
            {Kind.DATABASE, "POST database/DB/mcp" + json, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", 200, 200, 200},
            {Kind.DATABASE, "POST mcp" + json, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", 200, 200, 200},
            {Kind.UNASKED, "GET database/DB/route", "", 404, 404, 404},
            {Kind.UNASKED, "POST database/DB/route/x", "", 404, 404, 404},
            {Kind.DATABASE, "GET database/DB/backup", "", 200, 403, 403},
            {Kind.DATABASE, "POST database/DB/verify", "", 200, 403, 403},
            {Kind.DATABASE, "POST database/DB/backup" + json, "{\"directory\":\"../x\"}", 400, 403, 403},
            {Kind.DATABASE, "POST database/DB/restore" + json, "{\"offset\":1000000}", 400, 403, 403},
            {Kind.DATABASE, "POST database/DB/restore application/zip", "no zip", 400, 403, 403},
            {Kind.OTHER, "POST restore" + json, "{\"database\":\"DB\",\"offset\":1000000}", 400, 403, 401},
            {Kind.OTHER, "POST restore application/zip", "no zip", 400, 400, 401},
            {Kind.DATABASE, "PUT database/DB/environment", "", 200, 403, 403},
            {Kind.DATABASE, "POST database/DB/pre_publish", program, 200, 403, 403},
            {Kind.DATABASE, "PUT database/DB", program, 200, 403, 403},
            {Kind.DATABASE, "PUT database/ID", program, 200, 403, 403},
            {Kind.DATABASE, "PUT database/DB?clear=true", program, 200, 403, 403},
            {Kind.DATABASE, "PUT database/DB/reset", "", 200, 403, 403},
            {Kind.DATABASE, "POST database/DB/names", "DB-more", 200, 401, 401},
            {Kind.DATABASE, "PUT database/ID/names" + json, "[\"DB-else\", \"DB-again\"]", 200, 401, 401},
            {Kind.DATABASE, "POST database/ID/lock", "", 200, 403, 403},
            {Kind.DATABASE, "POST database/ID/unlock", "", 200, 403, 403},
            {Kind.DATABASE, "DELETE database/ID", "", 200, 403, 403}}) {
            Route route = Route.of((Kind) row[0], (String) row[1], row[2] instanceof String text ? text : "",
                    (int) row[3], (int) row[4], (int) row[5]);
            routes.add(row[2] instanceof byte[] bytes ? new Route(
                    route.kind(), route.method(), route.path(), route.type(), bytes, route.owner(), route.other(),
                    route.anonymous()) : route);
        }
        return routes;
    }

    /** A database with rows in a public and a private table, and what can be seen of it. */
    final class Subject {

        private final Http http;
        private final String name;
        private final Caller owner;
        private final String identity;

        Subject(Http http, String name) throws Exception {
            this.http = http;
            this.name = name;
            this.owner = http.newCaller();
            assertEquals(200, http.publish(name, owner, Http.module(BusyTests.KITCHEN)).status());
            this.identity = http.send("GET", "/v1/database/" + name + "/identity", null).body();
            assertEquals(200, http.call(name, "add_secret", owner, "[1, \"hidden\"]").status());
            assertEquals(200, http.call(name, "add_member", owner, "[1, 1, \"ann\", true]").status());
        }

        Answer send(Route route, Caller caller, String query) throws Exception {
            Route named = new Route(route.kind(), route.method(), route.path(), route.type(), route.body().length > 1_000
                    ? route.body() : new String(route.body(), StandardCharsets.UTF_8).replace("DB", name)
                            .getBytes(StandardCharsets.UTF_8), route.owner(), route.other(), route.anonymous());
            return http.send(named.request(name, owner, identity, caller, query));
        }

        /** Everything that a request which is refused must leave alone. */
        String state() throws Exception {
            StringBuilder state = new StringBuilder();
            for (String table : List.of("team", "member", "secret", "job")) {
                state.append(http.sql(name, owner, "SELECT * FROM " + table).body().replaceAll("\"total_dur.*?,", ""));
            }
            for (String path : List.of("", "/names", "/environment", "/schema?version=9")) {
                state.append(http.send("GET", "/v1/database/" + name + path, owner).body());
            }
            return state.toString();
        }
    }

    private static void told(Route route, Answer answer, Caller caller) {
        String identity = answer.header("spacetime-identity");
        String token = answer.header("spacetime-identity-token");
        if (route.kind() != Kind.DATABASE) {
            assertEquals("", identity + token, route::toString);
        } else if (caller == null) {
            assertTrue(identity.matches("c200[0-9a-f]{60}") && token.split("\\.").length == 3, route + ": " + identity + token);
        } else {
            assertEquals(caller.identity() + " " + caller.token(), identity + " " + token, route::toString);
        }
    }

    @Test
    @Proves("http-api.md 3.1")
    @Proves("http-api.md 3.5")
    @Proves("http-api.md 4")
    default void everyRouteAsksWhoCalls() throws Exception {
        try (Http http = new Http()) {
            Subject subject = new Subject(http, "rights");
            Caller other = http.newCaller();
            String before = subject.state();
            for (Route route : routes()) {
                Answer stranger = subject.send(route, other, "");
                assertEquals(route.other(), stranger.status(), () -> route + " by another: " + stranger.body());
                told(route, stranger, other);
                Answer nobody = subject.send(route, null, "");
                assertEquals(route.anonymous(), nobody.status(), () -> route + " by nobody: " + nobody.body());
                told(route, nobody, null);
                assertNotEquals(subject.owner.identity(), nobody.header("spacetime-identity"));
            }
            assertEquals(before, subject.state());
            for (Route route : routes()) {
                Answer owner = subject.send(route, subject.owner, "");
                assertEquals(route.owner(), owner.status(), () -> route + " by the owner: " + owner.body());
                told(route, owner, subject.owner);
            }
            assertEquals(404, http.send("GET", "/v1/database/" + subject.identity, subject.owner).status());
        }
    }

    /** A token of this server, signed with its own key, that was good until {@code expires}. */
    private static String expired(Caller caller, Instant expires) throws JOSEException, IOException {
        SigningKeys keys = SigningKeys.open(FileStorage.open(
                Path.of(System.getProperty("wlp.home"), "usr/servers/arquillian/geodesic-data/keys")));
        String payload = new String(Base64.getUrlDecoder().decode(caller.token().split("\\.")[1]), StandardCharsets.UTF_8);
        JWSObject token = new JWSObject(new JWSHeader(JWSAlgorithm.ES256),
                new Payload(payload.replace("\"exp\":null", "\"exp\":" + expires.getEpochSecond())));
        token.sign(new ECDSASigner(keys.privateKey()));
        return token.serialize();
    }

    @Test
    @Proves("http-api.md 3.1")
    @Proves("http-api.md 3.2")
    @Proves("client-expectations.md 13")
    default void tokensThatAreNotGoodAreRefusedOnEveryRoute() throws Exception {
        try (Http http = new Http()) {
            Subject subject = new Subject(http, "rights-bad");
            String before = subject.state();
            Instant now = Instant.now();
            Caller owner = subject.owner;
            String late = expired(owner, now.minusSeconds(70));
            String forged = owner.token().substring(0, owner.token().length() - 2) + (owner.token().endsWith("AA") ? "BA" : "AA");
            assertEquals(owner.identity(), http.send(
                    "GET", "/v1/database/rights-bad", new Caller("", expired(owner, now))).header("spacetime-identity"));
            for (Route route : routes()) {
                boolean asked = route.kind() != Kind.UNASKED;
                for (String[] bad : new String[][] {
                    {late, "401 Invalid token: ExpiredSignature"}, {forged, "401 Invalid token: InvalidSignature"},
                    {"nonsense", "401 Invalid token: InvalidToken"}}) {
                    for (Answer answer : List.of(
                            subject.send(route, new Caller("", bad[0]), ""),
                            subject.send(route, null, "token=" + bad[0]),
                            subject.send(route, new Caller("", bad[0]), "token=" + owner.token()))) {
                        if (asked) {
                            assertEquals(bad[1], answer.status() + " " + answer.body(), route::toString);
                            assertEquals("text/plain;charset=utf-8", answer.header("content-type").replace(" ", ""));
                        } else {
                            assertEquals(route.anonymous(), answer.status(), route::toString);
                        }
                        assertEquals("", answer.header("spacetime-identity") + answer.header("spacetime-identity-token"));
                        assertEquals("*", answer.header("access-control-allow-origin"), route::toString);
                    }
                }
                for (String header : List.of("Basic YTpi", "Bearer", "Token x", "")) {
                    Answer malformed = http.send(route.request("rights-bad", owner, subject.identity, null, "")
                            .header("Authorization", header));
                    assertEquals(asked ? "400 Authorization is invalid: malformed token" : route.anonymous() + "",
                            asked ? malformed.status() + " " + malformed.body() : malformed.status() + "", route + " " + header);
                    assertEquals("", malformed.header("spacetime-identity"));
                }
            }
            assertEquals(before, subject.state());
        }
    }

    /** A token in the query is as good as one in the header, and the header wins. */
    @Test
    @Proves("http-api.md 3.1")
    default void tokensMayBeInTheQuery() throws Exception {
        try (Http http = new Http()) {
            Subject subject = new Subject(http, "rights-query");
            Caller owner = subject.owner;
            Caller other = http.newCaller();
            for (Route route : routes()) {
                if (route.changesDatabase() || route.path().contains("environment")) {
                    continue;
                }
                Answer byQuery = subject.send(route, null, "token=" + owner.token());
                assertEquals(route.owner(), byQuery.status(), () -> route + ": " + byQuery.body());
                told(route, byQuery, owner);
                Answer byHeader = subject.send(route, other, "token=" + owner.token());
                assertEquals(route.other(), byHeader.status(), () -> route + ": " + byHeader.body());
                told(route, byHeader, other);
                assertEquals(route.owner(), subject.send(route, owner, "token=nonsense").status(), route::toString);
            }
        }
    }

    /** What runs on schedules is private in definitions of version 10; to others it does not exist. */
    @Test
    @Proves("http-api.md 3.5")
    @Proves("http-api.md 6.11")
    default void privateFunctionsAreForTheOwner() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            Caller other = http.newCaller();
            assertEquals(200, http.publish(
                    "rights-private", owner, Http.module("modules/features-2.8/features_2_8.wasm")).status());
            for (String function : List.of("run_timer", "run_task")) {
                String row = "[{\"scheduled_id\": 7, \"scheduled_at\": "
                        + "{\"Time\": {\"__timestamp_micros_since_unix_epoch__\": 1}}, "
                        + "\"label\": \"" + function + "\", \"how\": \"\"}]";
                for (Caller stranger : new Caller[] {other, null}) {
                    Answer refused = http.call("rights-private", function, stranger, row);
                    assertEquals("404 No such procedure", refused.status() + " " + refused.body());
                }
                String ticks = "SELECT * FROM tick WHERE label = '" + function + "'";
                assertTrue(http.sql("rights-private", owner, ticks).body().contains("\"rows\":[]"));
                Answer called = http.call("rights-private", function, owner, row);
                assertEquals(200, called.status(), called::body);
                assertTrue(http.sql("rights-private", owner, ticks).body().contains("\"rows\":[["));
            }
        }
    }

    /** What belongs to somebody stays so: names of a deleted database, and names that were given up. */
    @Test
    @Proves("http-api.md 6.1")
    @Proves("http-api.md 6.4")
    @Proves("http-api.md 6.7")
    @Proves("http-api.md 6.8")
    default void namesStayWithTheirOwners() throws Exception {
        try (Http http = new Http()) {
            Subject subject = new Subject(http, "rights-names");
            Caller other = http.newCaller();
            byte[] program = Http.module(BusyTests.KITCHEN);
            assertEquals(200, http.publish("rights-mine", other, program).status());
            Answer taken = http.send("POST", "/v1/database/rights-names/names", subject.owner, "rights-mine".getBytes(
                    StandardCharsets.UTF_8));
            assertEquals("500 record with the name rights-mine already exists", taken.status() + " " + taken.body());
            Answer renamed = http.send(Http.request("PUT", "/v1/database/rights-names/names", subject.owner,
                    HttpRequest.BodyPublishers.ofString("[\"rights-mine\"]")).header("Content-Type", "application/json"));
            assertEquals("400 {\"OtherError\":\"Cannot rename to rights-mine because it already is in use.\"}",
                    renamed.status() + " " + renamed.body());
            assertEquals(200, http.send("DELETE", "/v1/database/rights-names", subject.owner).status());
            Answer stolen = http.publish("rights-names", other, program);
            assertEquals("401 {\"PermissionDenied\":{\"name\":\"rights-names\"}}", stolen.status() + " " + stolen.body());
            Answer attached = http.send("POST", "/v1/database/rights-mine/names", other, "rights-names".getBytes(
                    StandardCharsets.UTF_8));
            assertNotEquals(200, attached.status(), attached::body);
            Answer again = http.publish("rights-names", subject.owner, program);
            assertEquals(200, again.status(), again::body);
            assertEquals(subject.identity, http.send("GET", "/v1/database/rights-names/identity", null).body());
            assertEquals("{\"names\":[\"rights-mine\"]}", http.send("GET", "/v1/database/rights-mine/names", null).body());
        }
    }
}
