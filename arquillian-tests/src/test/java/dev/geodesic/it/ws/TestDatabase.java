package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * A freshly published database. Closing it closes its clients, checks that the server has forgotten them all, and deletes it.
 */
final class TestDatabase implements AutoCloseable {

    /** The module of crate 1.12: definition version 9. */
    static final Path V9 = Path.of("../samples/modules/v1/kitchen_v1.wasm");
    /** The module of crate 2.x: definition version 10. */
    static final Path V10 = Path.of("../samples/modules/v2/kitchen_v2.wasm");

    /** The modules that the golden vectors were recorded with. */
    static final Path GOLDEN_9 = Path.of("../samples/modules/golden-v1/golden_v1.wasm");
    static final Path GOLDEN_10 = Path.of("../samples/modules/golden-v2/golden_v2.wasm");

    private static final long PATIENCE_MILLIS = 5_000;
    /** After which a connection is found dead of which the system has said nothing. */
    private static final long SILENCE_MILLIS = 46_000;

    final String name = "ws-" + Long.toHexString(ThreadLocalRandom.current().nextLong() >>> 1);
    final User owner = Http.newUser();
    final String identity;
    private final List<WsClient> clients = new ArrayList<>();
    private boolean deleted;

    private TestDatabase(Path module) {
        try {
            String answer = Http.ok("PUT", "database/" + name, owner.token(), Files.readAllBytes(module));
            identity = Http.string(answer, "Success", "database_identity");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static TestDatabase publish(Path module) {
        return new TestDatabase(module);
    }

    static TestDatabase publish() {
        return publish(V10);
    }

    /** Publishes again, without the data. */
    void clear(Path module) {
        try {
            Http.ok("PUT", "database/" + name + "?clear=true", owner.token(), Files.readAllBytes(module));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Upgrade upgrade(Subprotocol... offered) {
        return new Upgrade(name, offered);
    }

    /** A connected client of the owner that has seen its first message. */
    WsClient open(Subprotocol subprotocol, String... query) {
        return open(owner, subprotocol, query);
    }

    WsClient open(User user, Subprotocol subprotocol, String... query) {
        return greeted(upgrade(subprotocol).token(user.token()).query(query));
    }

    WsClient greeted(Upgrade upgrade) {
        WsClient client = enter(upgrade);
        client.hello();
        return client;
    }

    /** As {@link #greeted}, the first message still to come. */
    WsClient enter(Upgrade upgrade) {
        WsClient client = upgrade.open();
        synchronized (clients) {
            clients.add(client);
        }
        return client;
    }

    /** Calls a reducer over HTTP. */
    void call(String reducer, String arguments) {
        Http.ok("POST", "database/" + name + "/call/" + reducer, owner.token(), arguments.getBytes(StandardCharsets.UTF_8));
    }

    /** Rows of the owner's query, each as a JSON array. */
    List<String> sql(String query) {
        return sql(owner, query);
    }

    List<String> sql(User user, String query) {
        String answer = Http.ok("POST", "database/" + name + "/sql", user.token(), query.getBytes(StandardCharsets.UTF_8));
        JsonValue.JsonObject first = (JsonValue.JsonObject) ((JsonValue.JsonArray) Json.parse(answer)).items().getFirst();
        return ((JsonValue.JsonArray) first.get("rows").orElseThrow()).items().stream()
                .map(row -> new JsonWriter().write(row).toString()).toList();
    }

    /** Connections that the server counts. */
    int connections() {
        return (int) metric("geodesic_connections");
    }

    /** Offset of the last transaction on stable storage. */
    long durableOffset() {
        return metric("geodesic_durable_offset");
    }

    long metric(String name) {
        String line = name + "{database=\"" + identity + "\"} ";
        return Http.ok("GET", "metrics", null, new byte[0]).lines().filter(l -> l.startsWith(line))
                .map(l -> Long.parseLong(l.substring(line.length()))).findFirst().orElse(0L);
    }

    /** Waits until the database has exactly so many connections, and rows about them. */
    void awaitConnections(int expected) {
        awaitConnections(expected, PATIENCE_MILLIS);
    }

    /** The same where connections may have died without a word. */
    void awaitConnectionsThatLive(int expected) {
        awaitConnections(expected, SILENCE_MILLIS);
    }

    private void awaitConnections(int expected, long patienceMillis) {
        await("connections", expected, patienceMillis, this::connections);
        // The SQL request is itself a client while it runs.
        await("rows of st_client", expected + 1, PATIENCE_MILLIS, () -> sql("SELECT * FROM st_client").size());
        await("rows of st_connection_credentials", expected + 1, PATIENCE_MILLIS,
                () -> sql("SELECT * FROM st_connection_credentials").size());
    }

    private static void await(String what, int expected, long patienceMillis, Supplier<Integer> actual) {
        long end = System.currentTimeMillis() + patienceMillis;
        int last = actual.get();
        while (last != expected && System.currentTimeMillis() < end) {
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
            last = actual.get();
        }
        assertEquals(expected, last, what);
    }

    /** Ends all connections, without a word, and waits until the server has noticed. */
    void closeClients() {
        clients.forEach(WsClient::close);
        clients.clear();
        awaitConnections(0);
        await("watched queries", 0, PATIENCE_MILLIS, () -> (int) metric("geodesic_watched_queries"));
        await("tasks of the writer", 0, PATIENCE_MILLIS, () -> (int) metric("geodesic_queue_depth"));
        await("messages to send", 0, PATIENCE_MILLIS, () -> Http.ok("GET", "metrics", null, new byte[0]).lines()
                .filter(l -> l.startsWith("geodesic_outbox_messages ")).map(l -> Integer.valueOf(l.split(" ")[1])).findFirst()
                .orElseThrow());
    }

    void delete() {
        Http.ok("DELETE", "database/" + name, owner.token(), new byte[0]);
        deleted = true;
    }

    @Override
    public void close() {
        if (!deleted) {
            closeClients();
            delete();
        }
    }
}
