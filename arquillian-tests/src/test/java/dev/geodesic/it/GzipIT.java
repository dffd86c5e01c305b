package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.ClientEncoder;
import dev.geodesic.protocol.Frame;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.testkit.Proves;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The shipped server in a process of its own, with {@code geodesic.websocket.gzip} switched on, and what clients get then. */
@Timeout(300)
class GzipIT {

    private static final int GZIP_HEADER_LENGTH = 10;
    private static final int GZIP_TRAILER_LENGTH = 8;

    private static Process server;
    private static String authority;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        authority = "localhost:" + port;
        Path output = Path.of("target", "gzip-server").toAbsolutePath();
        Files.createDirectories(output);
        ProcessBuilder command =
                new ProcessBuilder(Path.of(System.getProperty("wlp.home"), "bin", "server").toString(), "run", "geodesic")
                        .redirectErrorStream(true).redirectOutput(output.resolve("console.log").toFile());
        command.environment().putAll(Map.of("JAVA_HOME", System.getProperty("java.home"), "HTTP_PORT", "" + port,
                "WLP_OUTPUT_DIR", output.toString(), "GEODESIC_WEBSOCKET_GZIP", "on", "GEODESIC_STORAGE", "memory",
                "GEODESIC_DATA_DIRECTORY", output.resolve("data").toString()));
        server = command.start();
        while (!answers()) {
            assertTrue(server.isAlive(), "the server ended; see " + output.resolve("console.log"));
            Thread.sleep(200);
        }
    }

    private static boolean answers() throws InterruptedException {
        try {
            return send("GET", "ping", null, new byte[0], 200) != null;
        } catch (IOException | AssertionError e) {
            return false;
        }
    }

    @AfterAll
    static void stop() throws InterruptedException {
        // The script starts the Java process and waits for it.
        server.descendants().forEach(ProcessHandle::destroy);
        server.destroy();
        assertTrue(server.waitFor(30, TimeUnit.SECONDS));
    }

    private static String send(String method, String path, String token, byte[] body, int expected)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + authority + "/v1/" + path))
                .method(method, BodyPublishers.ofByteArray(body)).header("Content-Type", "application/json");
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            var answer = client.send(request.build(), BodyHandlers.ofString());
            assertEquals(expected, answer.statusCode(), answer::body);
            return answer.body();
        }
    }

    /** Unreal asks for gzip, and takes the size from the last four bytes of the payload: one member, nothing behind it. */
    @Test
    @Proves("client-expectations.md 9")
    @Proves("websocket.md 2")
    void unrealFindsTheSizeAtTheEnd() throws IOException, InterruptedException {
        String token = send("POST", "identity", null, new byte[0], 200).replaceAll(".*\"token\":\"([^\"]*)\".*", "$1");
        byte[] module = Files.readAllBytes(Path.of("../samples/modules/v2/kitchen_v2.wasm"));
        send("PUT", "database/unreal", token, module, 200);
        for (int id = 1; id <= 3; id++) {
            String arguments = "[" + id + ", " + (id == 1 ? 8 : id * 100_000) + "]";
            send("POST", "database/unreal/call/add_blob", token, arguments.getBytes(StandardCharsets.UTF_8), 200);
        }
        for (Subprotocol subprotocol : new Subprotocol[] {Subprotocol.V1_BSATN, Subprotocol.V2, Subprotocol.V3}) {
            try (HttpClient http = HttpClient.newHttpClient()) {
                byte[][] plain = answers(http, subprotocol, "None", token);
                byte[][] packed = answers(http, subprotocol, "Gzip", token);
                for (int i = 0; i < 3; i++) {
                    assertEquals(0, plain[i][0]);
                    assertEquals(i == 0 ? 0 : 2, packed[i][0], subprotocol + " " + i);
                    assertSame(plain[i], i == 0 ? packed[i] : member(packed[i]), subprotocol);
                }
            }
        }
    }

    /** The same but for the duration, which version 1 tells at the end. */
    private static void assertSame(byte[] expected, byte[] actual, Subprotocol subprotocol) {
        int duration = subprotocol.isV1() ? Long.BYTES : 0;
        assertArrayEquals(Arrays.copyOf(expected, expected.length - duration), Arrays.copyOf(actual, actual.length - duration));
    }

    /** The payload's content behind a tag, decompressed as Unreal does it. */
    private static byte[] member(byte[] payload) {
        int size = ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).getInt(payload.length - 4);
        byte[] content = new byte[1 + size];
        try (Inflater inflater = new Inflater(true)) {
            int from = 1 + GZIP_HEADER_LENGTH;
            assertArrayEquals(new byte[] {31, (byte) 139, 8, 0}, Arrays.copyOfRange(payload, 1, 5), "no optional fields");
            inflater.setInput(payload, from, payload.length - from);
            assertEquals(size, inflater.inflate(content, 1, size));
            assertEquals(0, inflater.inflate(new byte[1]));
            assertTrue(inflater.finished());
            assertEquals(GZIP_TRAILER_LENGTH, inflater.getRemaining());
        } catch (DataFormatException e) {
            throw new AssertionError(e);
        }
        return content;
    }

    /** The payloads that answer three queries. */
    private static byte[][] answers(HttpClient http, Subprotocol subprotocol, String compression, String token)
            throws InterruptedException {
        var inbox = new LinkedBlockingQueue<byte[]>();
        WebSocket socket = http.newWebSocketBuilder().subprotocols(subprotocol.headerValue())
                .header("Authorization", "Bearer " + token)
                .buildAsync(URI.create("ws://" + authority + "/v1/database/unreal/subscribe?compression=" + compression
                        + "&connection_id=0123456789abcdef0123456789abcdef"), new Listener(inbox)).join();
        assertNotNull(inbox.poll(10, TimeUnit.SECONDS), "the first message");
        byte[][] answers = new byte[3][];
        ClientEncoder encoder = new ClientEncoder(subprotocol);
        for (int id = 1; id <= 3; id++) {
            Frame frame = encoder.encode(new ClientMessage.OneOffQuery(
                    subprotocol.isV1() ? 0 : id, new byte[] {(byte) id}, "SELECT * FROM blob WHERE id = " + id));
            socket.sendBinary(ByteBuffer.wrap(frame.bytes(), 0, frame.length()), true).join();
            answers[id - 1] = inbox.poll(10, TimeUnit.SECONDS);
            assertNotNull(answers[id - 1], "answer " + id);
        }
        socket.abort();
        return answers;
    }

    private record Listener(LinkedBlockingQueue<byte[]> inbox, ByteArrayOutputStream parts) implements WebSocket.Listener {

        Listener(LinkedBlockingQueue<byte[]> inbox) {
            this(inbox, new ByteArrayOutputStream());
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            byte[] part = new byte[data.remaining()];
            data.get(part);
            parts.writeBytes(part);
            if (last) {
                inbox.add(parts.toByteArray());
                parts.reset();
            }
            socket.request(1);
            return null;
        }
    }
}
