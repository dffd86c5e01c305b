package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import jakarta.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;

/** Backups, restores, earlier moments and verification, over HTTP (docs/operating.md). */
interface BackupTests {

    private static byte[] download(Http http, String name, Caller owner, String query) throws Exception {
        HttpResponse<byte[]> answer = http.open(
                Http.request("GET", "/v1/database/" + name + "/backup" + query, owner, HttpRequest.BodyPublishers.noBody()),
                HttpResponse.BodyHandlers.ofByteArray());
        assertEquals(200, answer.statusCode());
        assertEquals("application/zip", answer.headers().firstValue("content-type").orElse(""));
        assertTrue(answer.headers().firstValue("content-disposition").orElse("")
                .matches("attachment; filename=\"" + name + "-[0-9]+\\.zip\""));
        return answer.body();
    }

    private static Answer upload(Http http, String path, Caller caller, byte[] zip) throws Exception {
        return http.send(Http.request("POST", path, caller, HttpRequest.BodyPublishers.ofByteArray(zip))
                .header("Content-Type", "application/zip"));
    }

    private static Answer post(Http http, String path, Caller caller, String json) throws Exception {
        return http.send(Http.request("POST", path, caller, HttpRequest.BodyPublishers.ofString(json))
                .header("Content-Type", "application/json"));
    }

    private static String members(Http http, String name, Caller owner) throws Exception {
        Answer answer = http.sql(name, owner, "SELECT id FROM member ORDER BY id");
        assertEquals(200, answer.status(), answer::body);
        return answer.body().replaceAll(".*\"rows\":(\\[[^a-z]*\\]),?.*", "$1");
    }

    private static void add(Http http, String name, Caller owner, int id) throws Exception {
        assertEquals(200, http.call(name, "add_member", owner, "[" + id + ", 1, \"m\", true]").status());
    }

    private static JsonObject restored(String op, Answer answer) {
        assertEquals(200, answer.status(), answer::body);
        assertEquals(op, answer.json().getString("op"));
        return answer.json();
    }

    @Test
    default void aBackupGoesRoundByEveryRoute() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            String identity = http.send("GET", "/v1/database/" + name + "/identity", null).body();
            add(http, name, owner, 1);
            String one = members(http, name, owner);
            byte[] zip = download(http, name, owner, "");
            String directory = Http.unusedName();
            Answer written = post(http, "/v1/database/" + name + "/backup?history=true", owner,
                    "{\"directory\":\"" + directory + "\"}");
            assertEquals(200, written.status(), written::body);
            assertEquals(0, written.json().getInt("from"));
            int transactions = written.json().getInt("transactions");
            String time = written.json().getString("time");
            add(http, name, owner, 2);
            String two = members(http, name, owner);

            String copy = Http.unusedName();
            JsonObject another = restored("created", upload(http, "/v1/restore?name=" + copy, owner, zip));
            assertEquals(copy, another.getString("name"));
            assertEquals(one, members(http, copy, owner));
            String third = Http.unusedName();
            restored("created", post(http, "/v1/restore?name=" + third, owner, "{\"directory\":\"" + directory + "\"}"));
            assertEquals(one, members(http, third, owner));
            String past = Http.unusedName();
            restored("created", post(http, "/v1/restore?name=" + past, owner,
                    "{\"database\":\"" + name + "\",\"offset\":" + transactions + "}"));
            assertEquals(one, members(http, past, owner));
            String early = Http.unusedName();
            assertEquals(1, restored("created", post(http, "/v1/restore?name=" + early, owner,
                    "{\"directory\":\"" + directory + "\",\"offset\":1}")).getInt("transactions"));
            assertEquals(200, http.sql(early, owner, "SELECT * FROM member").status());
            assertEquals(two, members(http, name, owner));

            assertEquals(identity, restored("restored", upload(http, "/v1/database/" + name + "/restore", owner, zip))
                    .getString("database_identity"));
            assertEquals(one, members(http, name, owner));
            add(http, name, owner, 3);
            restored("restored", post(http, "/v1/database/" + name + "/restore", owner, "{\"offset\":" + transactions + "}"));
            assertEquals(one, members(http, name, owner));
            add(http, name, owner, 4);
            restored("restored", post(http, "/v1/database/" + name + "/restore", owner,
                    "{\"directory\":\"" + directory + "\",\"time\":\"" + time + "\"}"));
            assertEquals(one, members(http, name, owner));

            Answer whole = http.send("POST", "/v1/database/" + name + "/verify", owner);
            assertEquals("200 {\"findings\":[]}", whole.status() + " " + whole.body());
        }
    }

    @Test
    default void whatCannotBeRestoredIsRefusedClearly() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            byte[] zip = download(http, name, owner, "?history=true");
            byte[] cut = Arrays.copyOf(zip, zip.length - 30);
            Answer refused = upload(http, "/v1/restore", owner, cut);
            assertEquals(400, refused.status());
            assertTrue(refused.body().startsWith("the backup cannot be restored: "), refused::body);
            assertEquals(401, upload(http, "/v1/restore", null, zip).status());
            assertEquals(403, upload(http, "/v1/database/" + name + "/restore", http.newCaller(), zip).status());
            assertEquals(400, post(http, "/v1/database/" + name + "/restore", owner, "{\"offset\":100000}").status());
            assertEquals(400, post(
                    http, "/v1/database/" + name + "/restore", owner, "{\"time\":\"2001-01-01T00:00:00Z\"}").status());
            assertEquals(404, post(http, "/v1/database/" + name + "/restore", owner, "{\"directory\":\"no-such\"}").status());
            assertEquals(400, post(http, "/v1/database/" + name + "/restore", owner, "{\"directory\":\"../x\"}").status());
            for (String bad : new String[] {"{}", "[]", "{\"offset\":\"1\"}", "{\"time\":\"yesterday\"}", "{\"offset\":1.5}",
                "{\"offset\":1,\"time\":\"2001-01-01T00:00:00Z\"}", "{\"more\":1}"}) {
                assertEquals(422, post(http, "/v1/database/" + name + "/restore", owner, bad).status(), bad);
            }
            assertEquals(400, post(http, "/v1/database/" + name + "/restore", owner, "{").status());
            assertEquals(400, upload(http, "/v1/restore?name=No_Name", owner, zip).status());
            assertEquals(401, upload(http, "/v1/restore?name=" + name, owner, zip).status());
            add(http, name, owner, 1);
        }
    }

    /** Somebody who reads slowly keeps neither the database waiting nor anybody else. */
    @Test
    default void aSlowReaderHoldsNobodyUp() throws Exception {
        try (Http http = new Http()) {
            Caller owner = http.newCaller();
            String name = http.newDatabase(owner, BusyTests.KITCHEN);
            byte[] noise = new byte[1_300_000];
            for (int i = 0; i < 24; i++) {
                new Random(i).nextBytes(noise);
                assertEquals(200, http.call(name, "add_note", owner,
                        "[\"" + Base64.getEncoder().encodeToString(noise) + "\"]").status());
            }
            HttpResponse<InputStream> slow = http.open(
                    Http.request("GET", "/v1/database/" + name + "/backup", owner, HttpRequest.BodyPublishers.noBody()),
                    HttpResponse.BodyHandlers.ofInputStream());
            assertEquals(200, slow.statusCode());
            try (InputStream body = slow.body()) {
                ByteArrayOutputStream received = new ByteArrayOutputStream();
                received.write(body.readNBytes(1000));
                for (int id = 0; id < 20; id++) {
                    add(http, name, owner, id);
                    received.write(body.readNBytes(1000));
                }
                CompletableFuture<byte[]> beside = CompletableFuture.supplyAsync(() -> {
                    try {
                        return download(http, name, owner, "");
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                });
                assertTrue(beside.get(60, TimeUnit.SECONDS).length > 20_000_000);
                body.transferTo(received);
                assertTrue(received.size() > 20_000_000, () -> received.size() + " bytes");
                String copy = Http.unusedName();
                restored("created", upload(http, "/v1/restore?name=" + copy, owner, received.toByteArray()));
                try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(received.toByteArray()))) {
                    ZipEntry first = zip.getNextEntry();
                    assertEquals("backup.json", first.getName());
                }
                assertEquals(200, http.sql(copy, owner, "SELECT id FROM note").status());
                assertArrayEquals(new byte[0], members(http, copy, owner).replaceAll("[\\[\\]]", "").getBytes());
            }
        }
    }
}
