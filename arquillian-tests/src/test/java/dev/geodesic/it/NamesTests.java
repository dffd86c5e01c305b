package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import dev.geodesic.testkit.Proves;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What databases are called, and to whom names belong. */
@Proves("http-api.md 6.7")
@Proves("http-api.md 6.8")
interface NamesTests {

    private static Answer add(Http http, String database, Caller caller, String name) throws Exception {
        return http.send("POST", "/v1/database/" + database + "/names", caller, name.getBytes(StandardCharsets.UTF_8));
    }

    private static Answer rename(Http http, String database, Caller caller, String json) throws Exception {
        return http.send(Http.request("PUT", "/v1/database/" + database + "/names", caller,
                HttpRequest.BodyPublishers.ofString(json)).header("Content-Type", "application/json"));
    }

    private static void is(String expected, Answer answer) {
        assertEquals(expected, answer.status() + " " + answer.body());
    }

    private static void names(Http http, String database, String json) throws Exception {
        Answer answer = http.send("GET", "/v1/database/" + database + "/names", null);
        is("200 {\"names\":" + json + "}", answer);
        assertEquals("application/json", answer.header("content-type"));
    }

    @Test
    default void aDatabaseMayHaveManyNames() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String first = http.newDatabase(owner, BusyTests.KITCHEN);
            String identity = http.send("GET", "/v1/database/" + first + "/identity", null).body();
            String second = Http.unusedName();
            is("200 {\"Success\":{\"domain\":\"" + second + "\",\"database_identity\":\"" + identity + "\"}}",
                    add(http, first, owner, second));
            names(http, second, "[\"" + first + "\",\"" + second + "\"]");
            is("200 " + identity, http.send("GET", "/v1/database/" + second + "/identity", null));
            is("500 record with the name " + second + " already exists", add(http, second, owner, second));
            for (String bad : List.of("", "Upper", "a_b", "a/b", "ä", "c2".repeat(32))) {
                is("400 invalid characters in database name", add(http, first, owner, bad));
            }
            for (String bad : List.of("-a", "a-", "a--b")) {
                is("400 invalid hyphen in database name", add(http, first, owner, bad));
            }
            // Published under either name, it is the same one.
            is("200 {\"Success\":{\"domain\":\"" + second + "\",\"database_identity\":\"" + identity + "\",\"op\":\"updated\"}}",
                    http.publish(second, owner, Http.module(BusyTests.KITCHEN)));
            String many = IntStream.range(0, 101).mapToObj(i -> "\"" + first + "-" + i + "\"").collect(Collectors.joining(","));
            is("400 more than 100 names for one database", rename(http, first, owner, "[" + many + "]"));
        }
    }

    @Test
    @Proves("http-api.md 6.1")
    default void renamedDatabasesKeepTheirOldNamesFromOthers() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            Caller other = http.newCaller();
            byte[] kitchen = Http.module(BusyTests.KITCHEN);
            String old = http.newDatabase(owner, BusyTests.KITCHEN);
            String identity = http.send("GET", "/v1/database/" + old + "/identity", null).body();
            String first = Http.unusedName();
            String second = Http.unusedName();
            Answer renamed = rename(http, old, owner, "[\"" + first + "\",\"" + second + "\"]");
            is("200 \"Success\"", renamed);
            assertEquals("application/json", renamed.header("content-type"));
            names(http, identity, "[\"" + first + "\",\"" + second + "\"]");
            is("404 `" + old + "` not found", http.send("GET", "/v1/database/" + old + "/identity", null));

            Answer stolen = http.publish(old, other, kitchen);
            is("401 {\"PermissionDenied\":{\"name\":\"" + old + "\"}}", stolen);
            assertEquals("application/json", stolen.header("content-type"));
            String others = http.newDatabase(other, BusyTests.KITCHEN);
            is("401 {\"PermissionDenied\":{\"domain\":\"" + old + "\"}}", add(http, others, other, old));
            is("401 {\"PermissionDenied\":{\"domain\":\"" + old + "\"}}",
                    rename(http, others, other, "[\"" + Http.unusedName() + "\",\"" + old + "\"]"));
            names(http, others, "[\"" + others + "\"]");

            // The owner may use it again: for the same database, or for a new one.
            is("200 \"Success\"", rename(http, first, owner, "[\"" + old + "\"]"));
            names(http, identity, "[\"" + old + "\"]");
            assertEquals("created", http.publish(first, owner, kitchen).json().getJsonObject("Success").getString("op"));
            is("400 {\"OtherError\":\"Cannot rename to " + first + " because it already is in use.\"}",
                    rename(http, old, owner, "[\"" + first + "\"]"));
            is("200 \"Success\"", rename(http, identity, owner, "[]"));
            names(http, identity, "[]");
            is("401 {\"PermissionDenied\":{\"name\":\"" + old + "\"}}", http.publish(old, other, kitchen));
        }
    }

    @Test
    default void renamingInsistsOnWhatItNeeds() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String path = "/v1/database/" + name + "/names";
            for (String type : List.of("text/plain", "application/json; charset=utf-8x")) {
                is("415 Expected request with `Content-Type: application/json`", http.send(Http.request("PUT", path, owner,
                        HttpRequest.BodyPublishers.ofString("[]")).header("Content-Type", type)));
            }
            for (String bad : List.of("", "x", "[", "[\"a\",]")) {
                Answer answer = rename(http, name, owner, bad);
                assertEquals(400, answer.status());
                assertTrue(answer.body().startsWith("Failed to parse the request body as JSON: "), answer::body);
            }
            for (String bad : List.of("{}", "\"a\"", "null", "[1]", "[[\"a\"]]")) {
                Answer answer = rename(http, name, owner, bad);
                assertEquals(422, answer.status());
                assertTrue(answer.body().startsWith("Failed to deserialize the JSON body into the target type: "), answer::body);
            }
            is("400 Error parsing `b_`: invalid characters in database name", rename(http, name, owner, "[\"a\",\"b_\"]"));
            String twice = Http.unusedName();
            is("400 {\"OtherError\":\"record with the name " + twice + " already exists\"}",
                    rename(http, name, owner, "[\"" + twice + "\",\"" + twice + "\"]"));
            names(http, name, "[\"" + name + "\"]");
        }
    }

    /** Who trusts a name of a deleted database must not meet somebody else there. */
    @Test
    @Proves("http-api.md 6.4")
    default void identitiesOfDeletedDatabasesStayWithTheirNames() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            Caller other = http.newCaller();
            byte[] kitchen = Http.module(BusyTests.KITCHEN);
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String identity = http.send("GET", "/v1/database/" + name + "/identity", null).body();
            is("200 ", http.send("DELETE", "/v1/database/" + name, owner));
            is("200 ", http.send("DELETE", "/v1/database/" + name, owner));
            is("403 " + other.identity() + " is not authorized to perform action on database " + identity + ": update database",
                    http.publish(identity, other, kitchen));
            is("401 {\"PermissionDenied\":{\"name\":\"" + name + "\"}}", http.publish(name, other, kitchen));
            is("200 {\"Success\":{\"domain\":null,\"database_identity\":\"" + identity + "\",\"op\":\"created\"}}",
                    http.publish(identity, owner, kitchen));
            names(http, name, "[\"" + name + "\"]");
        }
    }
}
