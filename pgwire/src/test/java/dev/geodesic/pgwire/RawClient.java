package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Speaks the protocol byte by byte. */
final class RawClient implements AutoCloseable {

    final Socket socket;
    final DataInputStream in;
    final DataOutputStream out;

    /** @param type 0 at the end of the stream */
    record Message(char type, byte[] payload) {

        /** A field of an error, or the text of a command tag. */
        String text() {
            return new String(payload, StandardCharsets.UTF_8);
        }

        String field(char code) {
            for (String field : text().split("\0")) {
                if (!field.isEmpty() && field.charAt(0) == code) {
                    return field.substring(1);
                }
            }
            return "";
        }
    }

    RawClient(int port) throws IOException {
        socket = new Socket("127.0.0.1", port);
        socket.setSoTimeout(20_000);
        in = new DataInputStream(socket.getInputStream());
        out = new DataOutputStream(socket.getOutputStream());
    }

    /** Logged in to the golden database, with everything read up to the first ReadyForQuery. */
    static RawClient loggedIn(World world, String token) throws IOException {
        RawClient client = new RawClient(world.endpoint.port());
        client.startup(3 << 16, "user", "me", "database", "golden");
        assertEquals('R', client.read().type());
        client.send('p', bytes(token + "\0"));
        client.until('Z');
        return client;
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    void startup(int version, String... parameters) throws IOException {
        ByteArrayOutputStream payload = new ByteArrayOutputStream();
        for (String parameter : parameters) {
            payload.writeBytes(bytes(parameter + "\0"));
        }
        payload.write(0);
        out.writeInt(8 + payload.size());
        out.writeInt(version);
        out.write(payload.toByteArray());
        out.flush();
    }

    /** SSLRequest and its like. */
    void request(int code) throws IOException {
        out.writeInt(8);
        out.writeInt(code);
        out.flush();
    }

    RawClient send(char type, byte[] payload) throws IOException {
        out.writeByte(type);
        out.writeInt(4 + payload.length);
        out.write(payload);
        out.flush();
        return this;
    }

    RawClient query(String sql) throws IOException {
        return send('Q', bytes(sql + "\0"));
    }

    Message read() throws IOException {
        int type = in.read();
        if (type < 0) {
            return new Message((char) 0, new byte[0]);
        }
        byte[] payload = new byte[in.readInt() - 4];
        in.readFully(payload);
        return new Message((char) type, payload);
    }

    /** All messages up to one of a type, which is the last. */
    List<Message> until(char type) throws IOException {
        List<Message> messages = new ArrayList<>();
        do {
            messages.add(read());
        } while (messages.getLast().type() != type && messages.getLast().type() != 0);
        assertEquals(type, messages.getLast().type(), () -> messages.stream().map(Message::text).toList().toString());
        return messages;
    }

    /** Types of all messages up to ReadyForQuery. */
    String types() throws IOException {
        StringBuilder types = new StringBuilder();
        until('Z').forEach(m -> types.append(m.type()));
        return types.toString();
    }

    /** The error that must come next, as code and text. */
    String error() throws IOException {
        Message message = read();
        assertEquals('E', message.type(), message.text());
        return message.field('S') + " " + message.field('C') + " " + message.field('M');
    }

    /** The server must end the connection, whatever it sends before that. */
    void end() throws IOException {
        try {
            while (in.read() >= 0) {
                // Up to the end.
            }
        } catch (SocketTimeoutException e) {
            throw new AssertionError("the connection is still open", e);
        } catch (IOException e) {
            // A reset is an end.
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
