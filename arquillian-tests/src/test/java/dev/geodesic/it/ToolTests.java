package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The requests that each command of the command line tool makes, and what it needs of the answers. */
@Proves("http-api.md 9")
@Proves("client-expectations.md 10")
interface ToolTests {

    private static Answer json(int status, Answer answer) {
        assertEquals(status, answer.status(), answer::body);
        // Compared byte for byte by the tool.
        assertEquals(List.of("application/json"), answer.headers().allValues("content-type"));
        return answer;
    }

    private static HttpRequest.Builder asTool(String method, String path, Caller caller, String body) {
        return Http.request(method, path, caller, HttpRequest.BodyPublishers.ofString(body))
                .header("Content-Type", "application/json").header("User-Agent", "spacetimedb-cli/2.8.3");
    }

    /** {@code server ping}, {@code server add}, {@code server fingerprint}. */
    @Test
    default void server() throws Exception {
        try (Http http = new Http()) {
            assertEquals(200, http.send("GET", "/v1/ping", null).status());
            assertEquals(404, http.send("GET", "/v1/no-such-path", null).status());
            String fingerprint = http.send("GET", "/v1/identity/public-key", null).body();
            assertTrue(fingerprint.startsWith("-----BEGIN PUBLIC KEY-----\n"), fingerprint);
            assertEquals(fingerprint, http.send("GET", "/v1/identity/public-key", null).body());
        }
    }

    /** {@code login --server-issued-login}, {@code login show}. */
    @Test
    default void login() throws Exception {
        try (Http http = new Http()) {
            JsonObject answer = json(200, http.send("POST", "/v1/identity", null)).json();
            // The tool decodes with the standard alphabet.
            byte[] claims = Base64.getDecoder().decode(answer.getString("token").split("\\.")[1]);
            JsonObject decoded = Json.createReader(new StringReader(new String(claims, StandardCharsets.UTF_8))).readObject();
            assertEquals(answer.getString("identity"), decoded.getString("hex_identity"));
            assertEquals("localhost", decoded.getString("iss"));
        }
    }

    /** {@code publish NAME}: new, the same again, with an agreed migration, cleared; by a stranger; without a name. */
    @Test
    default void publish() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            byte[] program = Http.module(BusyTests.KITCHEN);
            String name = Http.unusedName();
            String preview = "/v1/database/" + name + "/pre_publish?pretty_print_style=NoColor&host_type=Wasm";
            assertEquals(404, http.send("POST", preview, owner, program).status());
            JsonObject created = json(200, http.send("PUT", "/v1/database/" + name + "?host_type=Wasm", owner, program)).json()
                    .getJsonObject("Success");
            assertEquals(name, created.getString("domain"));
            assertEquals("created", created.getString("op"));

            JsonObject plan = json(200, http.send("POST", preview, owner, program)).json().getJsonObject("AutoMigrate");
            assertEquals(List.of("migrate_plan", "break_clients", "token", "major_version_upgrade"),
                    List.copyOf(plan.keySet()));
            assertTrue(!plan.getString("migrate_plan").contains("\u001b"), "no colours were asked for");
            JsonObject updated = json(200, http.send("PUT", "/v1/database/" + name + "?token=" + plan.getString("token")
                    + "&policy=BreakClients&host_type=Wasm", owner, program)).json().getJsonObject("Success");
            assertEquals("updated", updated.getString("op"));
            json(200, http.send("PUT", "/v1/database/" + name + "?clear=true&num_replicas=1&host_type=Wasm", owner, program));

            Answer refused = http.publish(name, http.newCaller(), program);
            assertEquals(403, refused.status());
            assertTrue(refused.body().endsWith(": update database"), refused::body);
            JsonObject nameless = json(200, http.send("POST", "/v1/database?host_type=Wasm", owner, program)).json()
                    .getJsonObject("Success");
            assertTrue(nameless.isNull("domain"));
            assertEquals(200, http.send("DELETE", "/v1/database/" + nameless.getString("database_identity"), owner).status());
        }
    }

    /** {@code call}, {@code describe}, {@code sql}, which find the database first and then use its identity. */
    @Test
    default void useADatabase() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            Answer identity = http.send(asTool("GET", "/v1/database/" + name + "/identity", owner, ""));
            assertTrue(identity.body().matches("c200[0-9a-f]{60}"), identity::body);
            String path = "/v1/database/" + identity.body();
            JsonObject schema = json(200, http.send(asTool("GET", path + "/schema?version=10", owner, ""))).json();
            assertTrue(schema.containsKey("sections"));
            assertTrue(json(200, http.send(asTool("GET", path + "/schema?version=9", owner, ""))).json()
                    .containsKey("typespace"));

            Answer called = http.send(asTool("POST", path + "/call/add_member", owner, "[7, 1, \"ann\", true]"));
            assertEquals("200 ", called.status() + " " + called.body());
            Answer arguments = http.send(asTool("POST", path + "/call/add_member", owner, "[7]"));
            assertTrue(arguments.body().startsWith("invalid arguments"), arguments::body);
            assertEquals(404, http.send(asTool("POST", path + "/call/no_such", owner, "[]")).status());

            for (String query : List.of("", "?confirmed=true", "?confirmed=false")) {
                Answer answer = json(200, http.send(Http.request("POST", path + "/sql" + query, owner,
                        HttpRequest.BodyPublishers.ofString("SELECT * FROM member"))));
                JsonObject result = Json.createReader(new StringReader(answer.body())).readArray().getJsonObject(0);
                assertEquals(List.of("schema", "rows", "total_duration_micros", "stats"), List.copyOf(result.keySet()));
                assertEquals("[[7,1,\"ann\",true]]", result.getJsonArray("rows").toString());
                assertEquals("{\"some\":\"id\"}", result.getJsonObject("schema").getJsonArray("elements").getJsonObject(0)
                        .get("name").toString());
            }
        }
    }

    /** {@code logs}, and as {@code dev} follows them. */
    @Test
    default void logs() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            HttpResponse<InputStream> following = http.open(
                    asTool("GET", "/v1/database/" + name + "/logs?num_lines=10&follow=true", owner, ""),
                    HttpResponse.BodyHandlers.ofInputStream());
            assertEquals("chunked", following.headers().firstValue("transfer-encoding").orElse(""));
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(following.body(), StandardCharsets.UTF_8))) {
                assertEquals(200, http.call(name, "log_all", owner, "[]").status());
                String line = lines.readLine();
                while (!line.contains("\"an error\"")) {
                    line = lines.readLine();
                }
                JsonObject error = Json.createReader(new StringReader(line)).readObject();
                assertEquals("Error", error.getString("level"));
                assertEquals("level", error.keySet().iterator().next());
                assertTrue(error.getJsonNumber("ts").longValue() > 1_600_000_000_000_000L, line);
            }
            Answer strangers = http.send("GET", "/v1/database/" + name + "/logs?num_lines=10", null);
            assertEquals(403, strangers.status());
        }
    }

    /** {@code list}, {@code rename}, {@code lock}, {@code unlock}, {@code delete}. */
    @Test
    default void administer() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String identity = json(200, http.send("GET", "/v1/identity/" + owner.identity() + "/databases", owner)).json()
                    .getJsonArray("identities").getString(0);
            assertEquals("[\"" + name + "\"]", json(200, http.send("GET", "/v1/database/" + identity + "/names", owner)).json()
                    .getJsonArray("names").toString());
            String renamed = Http.unusedName();
            assertEquals("\"Success\"", json(200, http.send(
                    asTool("PUT", "/v1/database/" + identity + "/names", owner, "[\"" + renamed + "\"]"))).body());
            assertEquals("{\"NotYourDatabase\":{\"database\":\"" + identity + "\"}}", json(401, http.send(
                    asTool("PUT", "/v1/database/" + identity + "/names", http.newCaller(), "[\"x\"]"))).body());
            assertEquals(200, http.send("POST", "/v1/database/" + identity + "/lock", owner).status());
            assertEquals(403, http.send("DELETE", "/v1/database/" + identity, owner).status());
            assertEquals(200, http.send("POST", "/v1/database/" + identity + "/unlock", owner).status());
            Answer deleted = http.send("DELETE", "/v1/database/" + identity, owner);
            assertEquals("200 ", deleted.status() + " " + deleted.body());
            assertEquals("{\"identities\":[]}",
                    http.send("GET", "/v1/identity/" + owner.identity() + "/databases", owner).body());
        }
    }
}
