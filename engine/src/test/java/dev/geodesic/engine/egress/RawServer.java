package dev.geodesic.engine.egress;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ServerSocketFactory;

/** A server on one of this machine's loopback addresses that answers as a test wants, request by request. */
final class RawServer implements AutoCloseable {

    interface Answer {
        void to(String request, Socket client) throws Exception;
    }

    private final ServerSocket listener;
    private final Answer answer;
    final List<String> requests = new CopyOnWriteArrayList<>();
    final List<Throwable> failures = new CopyOnWriteArrayList<>();

    RawServer(String address, int port, Answer answer) throws IOException {
        this(ServerSocketFactory.getDefault(), address, port, answer);
    }

    RawServer(ServerSocketFactory sockets, String address, int port, Answer answer) throws IOException {
        this.listener = sockets.createServerSocket(port, 50, InetAddress.ofLiteral(address));
        this.answer = answer;
        Thread.ofVirtual().start(this::accept);
    }

    /** Answers every request with the same text. */
    static Answer text(String response) {
        return (request, client) -> client.getOutputStream().write(response.getBytes(StandardCharsets.ISO_8859_1));
    }

    static String ok(String body) {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    static String redirect(int status, String location) {
        return "HTTP/1.1 " + status + " Elsewhere\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n";
    }

    int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Thread.ofVirtual().start(() -> serve(client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            String request = read(client.getInputStream());
            requests.add(request);
            answer.to(request, client);
        } catch (Exception e) {
            failures.add(e);
        }
    }

    /** Header and body of a request with a Content-Length. */
    private static String read(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String text = "";
        while (!text.contains("\r\n\r\n")) {
            int b = in.read();
            if (b < 0) {
                throw new IOException("the request ended early: " + text);
            }
            bytes.write(b);
            text = bytes.toString(StandardCharsets.ISO_8859_1);
        }
        int length = text.lines().filter(line -> line.startsWith("Content-Length: "))
                .mapToInt(line -> Integer.parseInt(line.substring(16))).findFirst().orElse(0);
        return text + new String(in.readNBytes(Math.min(length, 1 << 16)), StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
