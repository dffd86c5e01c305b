package dev.geodesic.pgwire;

import dev.geodesic.engine.auth.TokenClaims;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.Server;
import dev.geodesic.pgwire.message.FrameReader;
import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.Payload;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.sats.Identity;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.net.ssl.SSLSocket;

/** One client, from the first byte to the last: TLS, login, and then its {@link Session}. Runs on a thread of its own. */
final class Connection {

    private static final System.Logger LOG = System.getLogger(Connection.class.getName());
    private static final int VERSION_MAJOR = 3;
    private static final int CANCEL_REQUEST = 80_877_102;
    private static final int SSL_REQUEST = 80_877_103;
    private static final int GSS_ENCRYPTION_REQUEST = 80_877_104;
    private static final int STARTUP_BYTES_MAX = 10_000;
    private static final int PASSWORD_BYTES_MAX = 32 << 10;
    private static final int PARAMETERS_MAX = 64;
    private static final int PARTING_MILLIS = 300;
    private static final int PARTING_BYTES_MAX = 64 << 10;
    private static final Pattern IDENTITY = Pattern.compile("(0x)?[0-9a-fA-F]{64}");

    private final Server engine;
    private final PgOptions options;
    private final MemoryBudget memory;
    /** Closing this one ends everything at once; closing TLS first says goodbye and may wait. */
    private final Socket socket;
    private InputStream in;
    private OutputStream out;
    private FrameReader reader;
    private final MessageWriter writer;
    private boolean encrypted;
    /** {@link System#nanoTime} at which the client is cut off. */
    private volatile long deadline;

    Connection(Server engine, PgOptions options, MemoryBudget memory, Socket socket) throws IOException {
        this.engine = engine;
        this.options = options;
        this.memory = memory;
        this.socket = socket;
        this.writer = new MessageWriter(this::send);
        socket.setTcpNoDelay(true);
        socket.setKeepAlive(true);
        use(socket);
        allow(options.times().loginMillis());
    }

    private void use(Socket stream) throws IOException {
        in = stream.getInputStream();
        out = stream.getOutputStream();
        // Nothing may be read ahead of a TLS handshake: what follows in the clear must never count as encrypted.
        reader = new FrameReader(in);
    }

    // ---- time ----

    /** Gives the client time for what comes next. */
    void allow(long millis) {
        deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /** While the server works, the client need not do anything. */
    void allowForever() {
        deadline = System.nanoTime() + Long.MAX_VALUE / 2;
    }

    void cutIfLate(long now) {
        if (now - deadline > 0) {
            cut();
        }
    }

    /** Ends the connection at once. Any thread. */
    void cut() {
        closeQuietly(socket);
    }

    static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing: " + e);
        }
    }

    private void send(byte[] bytes, int offset, int length) throws IOException {
        allow(options.times().writeMillis());
        out.write(bytes, offset, length);
    }

    // ---- life ----

    void run() {
        try {
            login();
        } catch (PgException e) {
            part(e);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "PostgreSQL client is gone: " + e);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "PostgreSQL connection", e);
            part(PgException.fatal("XX000", "internal error"));
        } finally {
            cut();
        }
    }

    /** Says why, and ends the connection. */
    void turnAway(PgException reason) {
        part(reason);
        cut();
    }

    private void part(PgException reason) {
        try {
            writer.discard();
            Errors.write(reason, writer);
            writer.flush();
            out.flush();
            if (!encrypted) {
                // What was not read would turn the end into a reset, and the client might never see the reason.
                socket.shutdownOutput();
                socket.setSoTimeout(PARTING_MILLIS);
                in.readNBytes(PARTING_BYTES_MAX);
            }
        } catch (IOException | PgException e) {
            LOG.log(System.Logger.Level.DEBUG, "PostgreSQL client is gone: " + e);
        }
    }

    private void login() throws IOException {
        Optional<Map<String, String>> startup = startup();
        if (startup.isEmpty()) {
            return;
        }
        Map<String, String> parameters = startup.get();
        String database = parameters.getOrDefault("database", "");
        if (database.isEmpty()) {
            throw PgException.error("XX000", "Database name is required");
        }
        writer.begin('R').int32(3).end().flush();
        TokenClaims claims = token(password());
        Identity identity = database(database);
        // From here on whole messages are read, and no more handshakes.
        InputStream buffered = new BufferedInputStream(in);
        new Session(engine, options, memory, this, new FrameReader(buffered), writer, parameters, claims, identity).run();
    }

    /** Parameters of the client; empty if it wanted something else that is done. */
    private Optional<Map<String, String>> startup() throws IOException {
        boolean askedTls = false;
        boolean askedGss = false;
        while (true) {
            Payload message = reader.readPayload(STARTUP_BYTES_MAX, length -> { });
            int code = message.int32();
            if (code == CANCEL_REQUEST) {
                // Nobody was given a key to cancel with.
                return Optional.empty();
            } else if (code == SSL_REQUEST && !askedTls) {
                message.end();
                askedTls = true;
                tls();
            } else if (code == GSS_ENCRYPTION_REQUEST && !askedGss) {
                message.end();
                askedGss = true;
                out.write('N');
            } else if (code >>> 16 == VERSION_MAJOR) {
                if (options.tlsRequired() && !encrypted) {
                    throw PgException.fatal("28000", "TLS is required: connect with sslmode=require");
                }
                return Optional.of(parameters(code & 0xffff, message));
            } else {
                throw PgException.fatal(
                        "0A000",
                        "unsupported frontend protocol " + (code >>> 16) + "." + (code & 0xffff) + ": the server has 3.0");
            }
        }
    }

    private void tls() throws IOException {
        if (options.tls().isEmpty()) {
            out.write('N');
            return;
        }
        out.write('S');
        SSLSocket secured = (SSLSocket) options.tls().get().getSocketFactory().createSocket(
                socket, socket.getInetAddress().getHostAddress(), socket.getPort(), true);
        secured.setUseClientMode(false);
        secured.startHandshake();
        encrypted = true;
        use(secured);
    }

    private Map<String, String> parameters(int minorVersion, Payload message) throws IOException {
        Map<String, String> parameters = new LinkedHashMap<>();
        List<String> unknown = new ArrayList<>();
        for (String name = message.text(); !name.isEmpty(); name = message.text()) {
            String value = message.text();
            if (name.startsWith("_pq_.")) {
                unknown.add(name);
            } else {
                parameters.put(name, value);
            }
            if (parameters.size() + unknown.size() > PARAMETERS_MAX) {
                throw PgException.protocol("too many startup parameters");
            }
        }
        message.end();
        if (minorVersion > 0 || !unknown.isEmpty()) {
            writer.begin('v').int32(VERSION_MAJOR << 16).int32(unknown.size());
            unknown.forEach(writer::text);
            writer.end();
        }
        return parameters;
    }

    private String password() throws IOException {
        int type = reader.readType();
        if (type < 0) {
            throw new IOException("end of stream in place of a password");
        } else if (type != 'p') {
            throw PgException.protocol("expected a password");
        }
        Payload message = reader.readPayload(PASSWORD_BYTES_MAX, length -> { });
        String password = message.text();
        message.end();
        return password;
    }

    private TokenClaims token(String token) {
        try {
            return engine.tokens().verifyBlocking(token);
        } catch (EngineException e) {
            throw PgException.fatal(e.code() == ErrorCode.INVALID_TOKEN ? "28P01" : "XX000", e.getMessage());
        }
    }

    /** By name only: an identity is none (spec/sql.md 15). */
    private Identity database(String name) {
        try {
            if (!IDENTITY.matcher(name).matches()) {
                Identity identity = engine.resolve(name);
                engine.database(identity);
                return identity;
            }
        } catch (EngineException e) {
            if (e.code() != ErrorCode.NO_SUCH_DATABASE && e.code() != ErrorCode.INVALID_NAME) {
                throw PgException.fatal("XX000", e.getMessage());
            }
        }
        throw PgException.fatal("3D000", "database \"" + name + "\" does not exist");
    }
}
