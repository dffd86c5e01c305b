package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.protocol.Subprotocol;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A request to subscribe. Everything in it can be wrong on purpose. */
final class Upgrade {

    /** The example of RFC 6455, with the answer that it gives there. */
    static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";
    static final String ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    private static final int TIMEOUT_MILLIS = 20_000;

    private final String database;
    private final Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    private String method = "GET";
    private String query = "";
    private int receiveBufferBytes;

    /** @param headers by lower-case name */
    record Answer(int status, Map<String, String> headers, String body) {

        String header(String name) {
            return headers.get(name);
        }

        @Override
        public String toString() {
            return status + " " + body;
        }
    }

    Upgrade(String database, Subprotocol... offered) {
        this.database = database;
        header("Host", "localhost:" + Http.PORT).header("Connection", "Upgrade").header("Upgrade", "websocket")
                .header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", KEY);
        for (Subprotocol each : offered) {
            offer(each.headerValue());
        }
    }

    Upgrade method(String other) {
        method = other;
        return this;
    }

    /** Parameters like {@code light=true}. */
    Upgrade query(String... parameters) {
        query = String.join("&", parameters);
        return this;
    }

    Upgrade header(String name, String value) {
        headers.put(name, new ArrayList<>(List.of(value)));
        return this;
    }

    Upgrade without(String name) {
        headers.remove(name);
        return this;
    }

    /** One more line of the header. */
    Upgrade offer(String subprotocols) {
        headers.computeIfAbsent("Sec-WebSocket-Protocol", n -> new ArrayList<>()).add(subprotocols);
        return this;
    }

    Upgrade token(String token) {
        return header("Authorization", "Bearer " + token);
    }

    /** A small one makes the server notice sooner that nobody reads. */
    Upgrade receiveBuffer(int bytes) {
        receiveBufferBytes = bytes;
        return this;
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        if (receiveBufferBytes > 0) {
            socket.setReceiveBufferSize(receiveBufferBytes);
        }
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.connect(new InetSocketAddress("localhost", Http.PORT), TIMEOUT_MILLIS);
        StringBuilder request = new StringBuilder(method).append(" /v1/database/").append(database).append("/subscribe");
        if (!query.isEmpty()) {
            request.append('?').append(query);
        }
        request.append(" HTTP/1.1\r\n");
        headers.forEach((name, values) -> values.forEach(
                value -> request.append(name).append(": ").append(value).append("\r\n")));
        socket.getOutputStream().write(request.append("\r\n").toString().getBytes(StandardCharsets.UTF_8));
        return socket;
    }

    /** The answer; the connection is closed then. */
    Answer send() {
        try (Socket socket = connect()) {
            return read(new BufferedInputStream(socket.getInputStream()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A WebSocket; anything else fails the test. */
    WsClient open() {
        try {
            Socket socket = connect();
            InputStream in = new BufferedInputStream(socket.getInputStream());
            Answer answer = read(in);
            assertEquals(101, answer.status(), answer::toString);
            assertEquals(ACCEPT, answer.header("sec-websocket-accept"));
            Subprotocol chosen = Arrays.stream(Subprotocol.values())
                    .filter(s -> s.headerValue().equals(answer.header("sec-websocket-protocol"))).findFirst()
                    .orElseThrow(() -> new AssertionError("subprotocol in " + answer.headers()));
            return new WsClient(socket, in, answer, chosen);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Answer read(InputStream in) throws IOException {
        String status = line(in);
        Map<String, String> headers = new TreeMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            headers.merge(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip(),
                    (a, b) -> a + ", " + b);
        }
        int code = Integer.parseInt(status.split(" ")[1]);
        return new Answer(code, headers, code == 101 ? "" : new String(body(headers, in), StandardCharsets.UTF_8));
    }

    private static byte[] body(Map<String, String> headers, InputStream in) throws IOException {
        if (headers.containsKey("content-length")) {
            return in.readNBytes(Integer.parseInt(headers.get("content-length")));
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        if ("chunked".equals(headers.get("transfer-encoding"))) {
            for (int size = Integer.parseInt(line(in), 16); size > 0; size = Integer.parseInt(line(in), 16)) {
                body.write(in.readNBytes(size));
                line(in);
            }
        }
        return body.toByteArray();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("the connection ended in the answer to the handshake after " + line);
            }
            if (b != '\r') {
                line.append((char) b);
            }
        }
        return line.toString();
    }
}
