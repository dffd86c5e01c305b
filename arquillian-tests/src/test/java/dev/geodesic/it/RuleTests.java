package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import java.net.http.HttpRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rules that hold for every route, and routes that the recorded requests do not reach. */
interface RuleTests {

    private static void is(String expected, Answer answer) {
        assertEquals(expected, answer.status() + " " + answer.body());
    }

    @Test
    @Proves("http-api.md 1")
    @Proves("http-api.md 8")
    default void everyAnswerSaysThatPagesMayReadIt() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.PROCEDURES);
            String path = "/v1/database/" + name;
            for (String request : List.of("GET /v1/ping", "GET /v1/nowhere", "POST /v1/ping", "GET " + path + "/schema?version=9",
                    "GET " + path + "/subscribe", "POST " + path + "/subscribe", "GET " + path + "/route/none",
                    "GET /v1/database/none-such", "POST /v1/identity/websocket-token", "OPTIONS /v1/nowhere",
                    "OPTIONS " + path + "/sql", "GET /v1/ping?token=x", "POST /v1/mcp")) {
                String[] parts = request.split(" ");
                Answer answer = http.send(Http.request(parts[0], parts[1], null, HttpRequest.BodyPublishers.noBody())
                        .header("Origin", "http://page.example"));
                assertEquals(List.of("*"), answer.headers().allValues("access-control-allow-origin"), request);
                assertEquals(List.of("origin, access-control-request-method, access-control-request-headers"),
                        answer.headers().allValues("vary"), request);
                assertEquals(List.of(), answer.headers().allValues("access-control-allow-credentials"), request);
                assertEquals(List.of(), answer.headers().allValues("access-control-expose-headers"), request);
            }
        }
    }

    @Test
    @Proves("http-api.md 1")
    default void unknownPathsAndMethodsHaveNoBody() throws Exception {
        try (Http http = new Http()) {
            for (String path : List.of("/v1/nowhere", "/v1/database/x/nowhere", "/v1/database/x/call", "/v1/database/x/names/y",
                    "/v1/identity/x", "/v1")) {
                is("404 ", http.send("GET", path, null));
            }
            for (String route : List.of("POST /v1/ping GET,HEAD", "GET /v1/identity POST", "GET /v1/database POST",
                    "POST /v1/database/x GET,HEAD,PUT,DELETE", "PUT /v1/database/x/sql POST", "GET /v1/database/x/call/f POST",
                    "DELETE /v1/database/x/names GET,HEAD,POST,PUT", "PATCH /v1/database/x/logs GET,HEAD",
                    "GET /v1/database/x/lock POST", "GET /v1/database/x/reset PUT", "POST /v1/database/x/subscribe GET,HEAD",
                    "GET /v1/database/x/unstable/procedure/p POST")) {
                String[] parts = route.split(" ");
                Answer answer = http.send(parts[0], parts[1], null);
                is("405 ", answer);
                assertEquals(parts[2], answer.header("allow"), route);
                // The same without a body, for a browser that asks first.
                Answer asked = http.send("OPTIONS", parts[1], null);
                is("200 ", asked);
                assertEquals(parts[2], asked.header("allow"), route);
            }
        }
    }

    @Test
    @Proves("http-api.md 1")
    default void headIsGetWithoutTheBody() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            for (String path : List.of("/v1/ping", "/v1/health", "/v1/identity/public-key", "/v1/database/" + name,
                    "/v1/database/" + name + "/schema?version=10", "/v1/database/" + name + "/names",
                    "/v1/database/" + name + "/logs", "/v1/database/none-such/identity")) {
                Answer get = http.send("GET", path, owner);
                Answer head = http.send("HEAD", path, owner);
                is(get.status() + " ", head);
                assertEquals(get.header("content-type"), head.header("content-type"), path);
            }
        }
    }

    @Test
    @Proves("http-api.md 7")
    @Proves("http-api.md 6.13")
    default void energyCostsNothing() throws Exception {
        try (Http http = new Http()) {
            Caller caller = http.newCaller();
            String path = "/v1/energy/" + caller.identity();
            is("200 {\"balance\":\"0\"}", http.send("GET", path, null));
            is("401 Authorization required", http.send("POST", path + "?amount=5", null));
            is("200 {\"balance\":\"5\"}", http.send("POST", path + "?amount=5", caller));
            is("400 Failed to deserialize query string: invalid digit found in string",
                    http.send("POST", path + "?amount=x", caller));
            is("401 ", http.send("PUT", path + "?balance=5", caller));
            assertEquals(400, http.send("GET", "/v1/energy/zz", null).status());
            Answer targets = http.send("GET", "/v1/prometheus/sd_config", null);
            is("200 [{\"targets\":[\"" + Ear.SERVER.getAuthority() + "\"],\"labels\":{}}]", targets);
            assertEquals("application/json", targets.header("content-type"));
        }
    }

    @Test
    @Proves("http-api.md 6.1")
    default void publishingChecksItsParameters() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            byte[] program = Http.module(BusyTests.KITCHEN);
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String path = "/v1/database/" + name;
            String query = "400 Failed to deserialize query string: ";
            is("400 Replication factor 256 out of bounds", http.send("PUT", path + "?num_replicas=256", owner, program));
            is(query + "invalid digit found in string", http.send("PUT", path + "?num_replicas=-1", owner, program));
            is(query + "provided string was not `true` or `false`", http.send("PUT", path + "?clear=", owner, program));
            is(query + "unknown variant `wasm`, expected `Wasm` or `Js`",
                    http.send("PUT", path + "?host_type=wasm", owner, program));
            is(query + "expected number at 0",
                    http.send("PUT", path + "?update_confirmation_timeout=soon", owner, program));
            is(query + "time unit needed, for example 5sec or 5ms",
                    http.send("PUT", path + "?update_confirmation_timeout=5", owner, program));
            is("404 `no-parent` not found", http.send("PUT", path + "?parent=no-parent", owner, program));
            is("400 Invalid URL: invalid characters in database name",
                    http.send("PUT", path + "?parent=No_Parent", owner, program));
            is("400 Setting the parent of an existing database is not supported",
                    http.send("PUT", path + "?clear=true&parent=" + name, owner, program));
            is("400 Clear database requires database name or identity",
                    http.send("POST", "/v1/database?clear=true", owner, program));
            is("400 JavaScript modules are not supported by this server; publish WebAssembly",
                    http.send("POST", "/v1/database?host_type=Js", owner, program));
            Answer many = http.send("PUT", path + "?num_replicas=3&parent=" + name
                    + "&org=nobody&organization=nobody&update_confirmation_timeout=1m%2030s&unheard=of", owner, program);
            assertEquals(200, many.status(), many::body);
            // Of a database that is not there, there is nothing to clear.
            String fresh = Http.unusedName();
            Answer created = http.send("PUT", "/v1/database/" + fresh + "?clear=true&parent=" + name, owner, program);
            assertEquals("created", created.json().getJsonObject("Success").getString("op"));
        }
    }

    @Test
    @Proves("http-api.md 6.3")
    @Proves("http-api.md 6.5")
    default void resettingKeepsOrReplacesTheProgram() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String path = "/v1/database/" + name;
            String before = http.send("GET", path, owner).body();
            assertTrue(http.send("PUT", path + "/reset", owner).body().endsWith("\"op\":\"updated\"}}"));
            assertEquals(before, http.send("GET", path, owner).body());
            Answer reset = http.send("PUT", path + "/reset?host_type=Wasm&num_replicas=1", owner,
                    Http.module(BusyTests.PROCEDURES));
            assertTrue(reset.body().endsWith("\"op\":\"updated\"}}"), reset::body);
            assertEquals("application/json", reset.header("content-type"));
            assertTrue(!before.equals(http.send("GET", path, owner).body()));
            is("200 42", http.call(name, "sum", owner, "[40, 2]"));
            Answer bad = http.send("PUT", path + "/reset", owner, new byte[] {1, 2, 3});
            assertEquals(500, bad.status(), bad::body);
            is("200 42", http.call(name, "sum", owner, "[40, 2]"));
        }
    }

    /** As releases 1.11 and 1.12 called procedures. */
    @Test
    @Proves("http-api.md 4")
    default void proceduresHaveTheirOldRoute() throws Exception {
        try (Http http = new Http()) {
            String name = http.newDatabase(http.newCaller(), BusyTests.PROCEDURES);
            Answer sum = http.send(Http.request("POST", "/v1/database/" + name + "/unstable/procedure/sum", null,
                    HttpRequest.BodyPublishers.ofString("[40, 2]")).header("Content-Type", "application/json"));
            is("200 42", sum);
            assertEquals("application/json", sum.header("content-type"));
        }
    }

    /** Percent-encoding is undone once, in filters as in resources. */
    @Test
    @Proves("http-api.md 1")
    default void pathsMayBeEncoded() throws Exception {
        try (Http http = new Http()) {
            String name = http.newDatabase(http.newCaller(), BusyTests.PROCEDURES);
            String encoded = "%" + Integer.toHexString(name.charAt(0)) + name.substring(1);
            assertEquals(200, http.send("GET", "/v1/database/" + encoded + "/identity", null).status());
            assertEquals(299, http.send("GET", "/v1/database/" + encoded + "/route/mirror", null).status());
            assertEquals(426, http.send("GET", "/v1/database/" + encoded + "/subscribe", null).status());
        }
    }
}
