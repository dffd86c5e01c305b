package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmModule;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import dev.geodesic.protocol.wire.Compression;
import jakarta.ejb.EJB;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import net.openhft.chronicle.core.values.LongValue;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;
import net.openhft.chronicle.values.Values;
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

    /** A recursion of 65,536 frames overflows the stack of an ordinary thread. */
    @Test
    void runsGuestsOnLargeStacks() throws InterruptedException {
        AtomicInteger reached = new AtomicInteger();
        int depth = server.config().guestStackBytes() / 256;
        Thread thread = server.guestThreads().newThread(() -> reached.set(recurse(depth)));
        thread.start();
        thread.join();
        assertTrue(thread.isDaemon());
        assertEquals(depth, reached.get());
    }

    private static int recurse(int depth) {
        return depth == 0 ? 0 : 1 + recurse(depth - 1);
    }

    /** Value classes are compiled at run time, inside the application server. */
    @Test
    void compilesChronicleValues() {
        try (ChronicleMap<LongValue, LongValue> map = ChronicleMapBuilder.of(LongValue.class, LongValue.class)
                .name("numbers").entries(100).create()) {
            LongValue key = Values.newHeapInstance(LongValue.class);
            LongValue value = Values.newNativeReference(LongValue.class);
            for (long number = 0; number < 100; number++) {
                key.setValue(number);
                map.acquireUsing(key, value);
                value.addValue(number * number);
            }
            key.setValue(99);
            assertEquals(9801, map.get(key).getValue());
            assertEquals(100, map.size());
        }
    }

    /** Native libraries load inside the application server: libwasmtime, and the one of Brotli. */
    @Test
    void loadsNativeLibraries() throws Exception {
        byte[] onlyMemory = {0, 'a', 's', 'm', 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 10, 1, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0};
        FutureTask<Boolean> guest = new FutureTask<>(() -> {
            try (WasmRuntime runtime = WasmtimeRuntime.open(
                            new WasmtimeOptions(Optional.empty(), server.guestThreads()), List.of());
                    WasmModule module = runtime.compile(onlyMemory);
                    WasmInstance instance = module.instantiate(this, 1 << 20, 1000)) {
                return instance != null;
            }
        });
        server.guestThreads().newThread(guest).start();
        assertTrue(guest.get(30, TimeUnit.SECONDS));
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
            assertEquals(200, health.statusCode(), path);
            JsonObject body = Json.createReader(new StringReader(health.body())).readObject();
            assertEquals("UP", body.getString("status"), path);
            assertTrue(body.getJsonArray("checks").stream()
                    .anyMatch(check -> check.asJsonObject().getString("name").equals("geodesic")), health.body());
        }
    }

    private static HttpResponse<String> get(String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(Ear.SERVER.resolve(URI.create(path))).build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }
}
