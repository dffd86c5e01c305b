package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.geodesic.testkit.Proves;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The procedures of docs/operating.md, carried out with the built server and with the commands of the page. */
interface OperatingTests {

    Path PAGE = Path.of("../docs/operating.md");
    String SHOTS = "/v1/database/shot/snapshots";
    String HISTORY = "**A moment of the past**";

    /** Commands between lines of three backquotes, in order; before those of the past the database must begin anew. */
    private static List<String> commands(String section) throws IOException {
        String page = Files.readString(PAGE);
        int begin = page.indexOf("\n## " + section + '\n');
        int end = page.indexOf("\n## ", begin + 1);
        assertTrue(begin >= 0 && end > begin, section);
        List<String> blocks = new ArrayList<>();
        String text = page.substring(begin, end);
        for (int at = text.indexOf("```sh\n"); at >= 0; at = text.indexOf("```sh\n", at + 6)) {
            String block = text.substring(at + 6, text.indexOf("\n```", at));
            boolean firstOfThePast = text.lastIndexOf(HISTORY, at) >= 0 && blocks.stream().noneMatch(b -> b.startsWith("#"));
            blocks.add(firstOfThePast ? "#\n" + block : block);
        }
        return blocks;
    }

    private static boolean has(String... command) {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
                    .waitFor() == 0;
        } catch (IOException | InterruptedException e) {
            return false;
        }
    }

    private static void require(String... command) {
        if (!has(command)) {
            if (Boolean.getBoolean("geodesic.ci")) {
                fail("missing: " + command[0]);
            }
            abort("missing: " + command[0]);
        }
    }

    private static String bash(Path directory, Map<String, String> environment, String script) throws Exception {
        ProcessBuilder builder = new ProcessBuilder("bash", "-euc", script).directory(directory.toFile());
        builder.environment().putAll(environment);
        Path output = directory.resolve("said");
        Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), script);
        String said = Files.readString(output);
        assertEquals(0, process.exitValue(), script + '\n' + said);
        return said;
    }

    private static void publish(BuiltServer server, String path, String token) throws Exception {
        HttpResponse<String> answer = server.send("PUT", "/v1/database/" + path, token,
                HttpRequest.BodyPublishers.ofFile(Path.of("../samples", BusyTests.KITCHEN)));
        assertEquals(200, answer.statusCode(), answer::body);
    }

    @Test
    @Timeout(600)
    @Proves("durability.md 8")
    default void theCommandsForBackupsAndRestoresWork(@TempDir Path directory) throws Exception {
        require("curl", "--version");
        require("unzip", "-v");
        try (BuiltServer server = new BuiltServer(
                directory, Map.of("GEODESIC_BACKUP_DIRECTORY", directory.resolve("backups").toString()))) {
            String token = server.newToken();
            publish(server, "chat", token);
            for (int i = 0; i < 3; i++) {
                assertEquals(200, server.addNote("chat", token));
            }
            Map<String, String> variables = Map.of("URL", server.url(), "TOKEN", token);
            List<String> blocks = commands("Backups and restores");
            assertTrue(blocks.size() >= 6, blocks::toString);
            StringBuilder said = new StringBuilder();
            for (String block : blocks) {
                if (block.startsWith("#")) {
                    publish(server, "chat?clear=true", token);
                    assertEquals(200, server.addNote("chat", token));
                    assertEquals(200, server.addNote("chat", token));
                }
                said.append(bash(directory, variables, block)).append('\n');
            }
            assertEquals(3, server.notes("chat-copy", token));
            assertEquals(3, server.notes("chat-of-monday", token));
            assertTrue(server.notes("chat-before", token) < 2, "an earlier state");
            assertTrue(server.notes("chat", token) < 2, "set back");
            assertTrue(said.toString().contains("{\"findings\":[]}"), said::toString);
        }
    }

    private static JsonObject json(HttpResponse<String> answer) {
        return Json.createReader(new StringReader(answer.body())).readObject();
    }

    private static void copy(Path from, Path to, String without) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path path : all.filter(p -> !p.startsWith(from.resolve(without))).toList()) {
                Files.copy(path, to.resolve(from.relativize(path)));
            }
        }
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> all = Files.walk(tree)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static Path segment(Path log) throws IOException {
        try (Stream<Path> files = Files.list(log)) {
            return files.filter(f -> f.toString().endsWith(".log")).findFirst().orElseThrow();
        }
    }

    private static void damage(Path segment) throws IOException {
        byte[] bytes = Files.readAllBytes(segment);
        bytes[100] ^= 1;
        Files.write(segment, bytes);
    }

    /** Stopped, copied, and started elsewhere; then with a control database, and a database, that cannot be repaired. */
    @Test
    @Timeout(900)
    @Proves("durability.md 8")
    default void aCopyOfTheWholeServerIsTheServer(@TempDir Path directory) throws Exception {
        String token;
        String identity;
        Path first = directory.resolve("first");
        try (BuiltServer server = new BuiltServer(first)) {
            token = server.newToken();
            identity = server.publish("kept", token);
            server.publish("lost", token);
            assertEquals(200, server.addNote("kept", token));
        }
        Path second = Files.createDirectories(directory.resolve("second"));
        copy(first.resolve("data"), second.resolve("data"), "compiled");
        String lost;
        try (BuiltServer server = new BuiltServer(second)) {
            assertEquals(1, server.notes("kept", token), "the token is valid, the name is known, the rows are there");
            assertEquals(200, server.addNote("kept", token));
            assertEquals(identity, server.send("GET", "/v1/database/kept/identity", "", "").body());
            publish(server, "kept", token);
            lost = server.send("GET", "/v1/database/lost/identity", "", "").body();
        }
        // Without its control database nothing is served; the directory from the copy repairs that.
        Path control = second.resolve("data").resolve("control");
        damage(segment(control.resolve("log")));
        damage(segment(second.resolve("data").resolve("databases").resolve(lost).resolve("0").resolve("log")));
        String reason = BuiltServer.startThatFails(second, "cannot be opened");
        assertTrue(reason.contains("the control database") && reason.contains(control.resolve("log").toString()), reason);
        delete(control);
        copy(first.resolve("data").resolve("control"), control, "nothing");
        try (BuiltServer server = new BuiltServer(second)) {
            assertEquals(2, server.notes("kept", token));
            // What cannot be repaired is begun anew, or deleted.
            assertEquals(500, server.addNote("lost", token));
            publish(server, "lost?clear=true", token);
            assertEquals(200, server.addNote("lost", token));
            assertEquals(1, server.notes("lost", token));
            assertEquals(200, server.send("DELETE", "/v1/database/lost", token, "").statusCode());
            assertEquals(404, server.addNote("lost", token));
        }
    }

    /** A damaged snapshot is set aside, listed, and deleted by the owner; a log that is gone is missed, and put back. */
    @Test
    @Timeout(600)
    @Proves("durability.md 8")
    default void filesThatAreDamagedOrGoneAreNamedAndDealtWith(@TempDir Path directory) throws Exception {
        String token;
        Path files;
        Path snapshot;
        try (BuiltServer server = new BuiltServer(directory)) {
            token = server.newToken();
            files = server.directory(server.publish("shot", token));
            assertEquals(200, server.addNote("shot", token));
            HttpResponse<String> taken = server.send("POST", SHOTS, token, "");
            assertEquals(200, taken.statusCode(), taken::body);
            snapshot = files.resolve("snapshots").resolve(String.format("%020d.snapshot", json(taken).getInt("offset")));
            assertEquals("[]", json(server.send("GET", SHOTS, token, "")).get("damaged").toString());
            assertEquals(200, server.addNote("shot", token));
        }
        damage(snapshot);
        Path segment = segment(files.resolve("log"));
        try (BuiltServer again = new BuiltServer(directory)) {
            assertEquals(2, again.notes("shot", token), "the log has all of it");
            String damaged = "[\"" + snapshot.getFileName() + ".damaged\"]";
            assertEquals(damaged, json(again.send("GET", SHOTS, token, "")).get("damaged").toString());
            assertEquals(403, again.send("DELETE", SHOTS + "/damaged", again.newToken(), "").statusCode());
            assertEquals(403, again.send("DELETE", SHOTS + "/damaged", "", "").statusCode());
            assertTrue(Files.exists(snapshot.resolveSibling(snapshot.getFileName() + ".damaged")));
            HttpResponse<String> deleted = again.send("DELETE", SHOTS + "/damaged", token, "");
            assertEquals(200, deleted.statusCode(), deleted::body);
            assertEquals(damaged, json(deleted).get("deleted").toString());
            assertEquals("[]", json(again.send("GET", SHOTS, token, "")).get("damaged").toString());
            assertEquals("[]", json(again.send("DELETE", SHOTS + "/damaged", token, "")).get("deleted").toString());
            assertTrue(Files.notExists(snapshot.resolveSibling(snapshot.getFileName() + ".damaged")));
        }
        Path away = Files.move(segment, directory.resolve("away"));
        try (BuiltServer again = new BuiltServer(directory)) {
            HttpResponse<String> refused = again.send("POST", "/v1/database/shot/sql", token, "SELECT * FROM note");
            assertEquals(500, refused.statusCode(), refused::body);
            assertTrue(refused.body().contains("is gone: 0") && refused.body().contains(".end says that it held"), refused::body);
            Files.move(away, segment);
            assertEquals(200, again.send("POST", "/v1/database/shot/open", token, "").statusCode());
            assertEquals(2, again.notes("shot", token));
        }
    }

    /**
     * A snapshot of the file system at one instant, while clients work: an image whose file system is frozen while it is copied.
     * Needs root and a loop device, without which there is nothing to try; CI takes no test that is skipped.
     */
    @Test
    @Timeout(900)
    @Proves("durability.md 13")
    default void aSnapshotOfTheFileSystemOfARunningServerIsAsGoodAsAPowerLoss(@TempDir Path directory) throws Exception {
        Path image = directory.resolve("image");
        Path frozen = directory.resolve("frozen");
        Path mounted = Files.createDirectories(directory.resolve("mounted"));
        if (!has("bash", "-c", "truncate -s 256M " + image + " && mkfs.ext4 -q " + image + " && mount -o loop " + image + ' '
                + mounted)) {
            System.getLogger(OperatingTests.class.getName()).log(
                    System.Logger.Level.WARNING, "not tried: a file system can be mounted by root only");
            return;
        }
        String token;
        long[] acknowledged = {0};
        try (BuiltServer server = new BuiltServer(mounted)) {
            token = server.newToken();
            server.publish("hot", token);
            boolean[] end = {false};
            Thread caller = Thread.ofPlatform().start(() -> {
                try {
                    while (!end[0]) {
                        assertEquals(200, server.addNote("hot", token));
                        synchronized (acknowledged) {
                            acknowledged[0]++;
                        }
                    }
                } catch (Exception e) {
                    end[0] = true;
                }
            });
            Thread.sleep(2000);
            long before;
            synchronized (acknowledged) {
                before = acknowledged[0];
            }
            bash(directory, Map.of(), "fsfreeze -f mounted; cp --sparse=always image frozen; fsfreeze -u mounted");
            end[0] = true;
            caller.join();
            acknowledged[0] = before;
        } finally {
            bash(directory, Map.of(), "umount mounted");
        }
        assertTrue(acknowledged[0] > 10, () -> acknowledged[0] + " calls");
        bash(directory, Map.of(), "mount -o loop " + frozen + " mounted");
        try (BuiltServer server = new BuiltServer(mounted)) {
            long notes = server.notes("hot", token);
            assertTrue(notes >= acknowledged[0], notes + " notes, " + acknowledged[0] + " acknowledged before the freeze");
            assertEquals(200, server.addNote("hot", token));
            HttpResponse<String> whole = server.send("POST", "/v1/database/hot/verify", token, "");
            assertEquals("{\"findings\":[]}", whole.body());
        } finally {
            bash(directory, Map.of(), "umount mounted");
        }
    }
}
