package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import jakarta.ejb.EJB;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.Optional;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.container.test.api.RunAsClient;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(ArquillianExtension.class)
@Timeout(60)
class ServerIT {

    @EJB
    private ServerBean server;

    @Deployment
    static EnterpriseArchive ear() {
        return Ear.with(ServerIT.class);
    }

    @Test
    void readsTheVariablesOfTheServer() {
        assertTrue(server.config().dataDirectory().endsWith("servers/arquillian/geodesic-data"), server.config()::toString);
        assertTrue(Files.isDirectory(server.config().dataDirectory()));
    }

    /** A guest on libwasmtime and a large stack, its rows in Chronicle Map: all of it inside the application server. */
    @Test
    void runsAModule() throws IOException {
        Server engine = server.server();
        TokenAuthority.Issued owner = engine.tokens().issueAnonymous();
        Identity caller = owner.claims().identity();
        byte[] program;
        try (InputStream in = ServerIT.class.getResourceAsStream("/chat.wasm")) {
            program = in.readAllBytes();
        }
        Identity identity = engine.publish(new PublishRequest(Optional.empty(), caller, program, false)).identity();
        try {
            Database chat = engine.database(identity);
            ClientInfo client = new ClientInfo(caller, new ConnectionId(7, 1), owner.claims().payload());
            for (int sent = 1; sent <= 3; sent++) {
                CallResult result = chat.call(client, "send_message", new Arguments.Json("[\"hello\"]")).join();
                assertInstanceOf(CallResult.Committed.class, result);
                assertEquals(sent, chat.sql(client, "SELECT text FROM message").result().rows().count());
            }
        } finally {
            engine.delete(identity, caller);
        }
    }

    @Test
    void loadsTheLibraryOfBrotli() {
        byte[] compressed = Compression.BROTLI.compress(new byte[1000], 0, 1000, 0);
        assertArrayEquals(new byte[1000], Compression.BROTLI.decompress(compressed, 0, compressed.length, 1000));
    }

    @Test
    @RunAsClient
    void servesTheChatSample() throws Exception {
        HttpResponse<String> page = get("samples/chat/");
        assertEquals(200, page.statusCode());
        assertTrue(page.body().contains("chat.js"), page::body);
        HttpResponse<String> module = get("samples/chat/chat.wasm");
        assertEquals(Optional.of("application/wasm"), module.headers().firstValue("content-type"));
        assertEquals(200, module.statusCode());
    }

    @Test
    @RunAsClient
    @Proves("http-api.md 7")
    void answersPing() throws Exception {
        HttpResponse<String> ping = get("v1/ping");
        assertEquals(200, ping.statusCode());
        assertEquals("", ping.body());
        assertEquals(Optional.empty(), ping.headers().firstValue("set-cookie"));
    }

    @Test
    @RunAsClient
    void tellsItsHealth() throws Exception {
        for (String path : new String[] {"health", "health/live", "health/ready"}) {
            HttpResponse<String> health = get(path);
            // Databases of the tests before may still be opened.
            for (int i = 0; i < 300 && health.statusCode() == 503; i++) {
                Thread.sleep(100);
                health = get(path);
            }
            assertEquals(200, health.statusCode(), health.body());
            JsonObject body = Json.createReader(new StringReader(health.body())).readObject();
            assertEquals("UP", body.getString("status"), path);
            assertTrue(body.getJsonArray("checks").stream()
                    .anyMatch(check -> check.asJsonObject().getString("name").equals("geodesic")), body::toString);
        }
    }

    private static HttpResponse<String> get(String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(Ear.SERVER.resolve(URI.create(path))).build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }
}
