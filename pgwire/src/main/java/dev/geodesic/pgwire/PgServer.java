package dev.geodesic.pgwire;

import dev.geodesic.engine.database.Server;
import dev.geodesic.pgwire.message.PgException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;

/**
 * Listens for PostgreSQL clients. One thread accepts, one ends connections whose time is up, and each connection has its
 * own; all come from the given factory, which should make virtual ones. Thread-safe.
 */
public final class PgServer implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(PgServer.class.getName());
    private static final long REAP_NANOS = 250_000_000;
    private static final int BACKLOG = 50;

    private final Server engine;
    private final PgOptions options;
    private final ServerSocket socket;
    private final ThreadFactory threads;
    private final MemoryBudget memory;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;
    private volatile Thread reaper;

    private PgServer(Server engine, PgOptions options, ServerSocket socket, ThreadFactory threads) {
        this.engine = engine;
        this.options = options;
        this.socket = socket;
        this.threads = threads;
        this.memory = new MemoryBudget(options.retainedBytesMax());
    }

    /**
     * Begins to listen.
     *
     * @throws UncheckedIOException if the address is taken
     */
    public static PgServer start(Server engine, PgOptions options, ThreadFactory threads) {
        ServerSocket socket;
        try {
            socket = new ServerSocket();
            try {
                socket.setReuseAddress(true);
                socket.bind(options.address(), BACKLOG);
            } catch (IOException e) {
                socket.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("PostgreSQL endpoint at " + options.address() + ": " + e.getMessage(), e);
        }
        PgServer server = new PgServer(engine, options, socket, threads);
        server.reaper = threads.newThread(server::reap);
        server.reaper.start();
        threads.newThread(server::accept).start();
        return server;
    }

    /** The port it listens on. */
    public int port() {
        return socket.getLocalPort();
    }

    /** Connections that are open, logged in or not. */
    public int connectionCount() {
        return connections.size();
    }

    /** Bytes of results and parameters that connections hold. */
    public long retainedBytes() {
        return memory.held();
    }

    private void accept() {
        while (!closed) {
            Socket client;
            try {
                client = socket.accept();
            } catch (IOException e) {
                if (!closed) {
                    // Too many open files, most likely: others may end.
                    LOG.log(System.Logger.Level.WARNING, "no PostgreSQL client could be let in: " + e);
                    LockSupport.parkNanos(REAP_NANOS);
                }
                continue;
            }
            try {
                Connection connection = new Connection(engine, options, memory, client);
                // Counted before its thread runs; those that come too many learn why in their own time, not in that of others.
                connections.add(connection);
                boolean tooMany = connections.size() > options.connectionsMax();
                if (connections.size() > 2 * options.connectionsMax()) {
                    connections.remove(connection);
                    Connection.closeQuietly(client);
                    continue;
                }
                threads.newThread(() -> run(connection, tooMany)).start();
            } catch (IOException e) {
                Connection.closeQuietly(client);
            }
            if (closed) {
                connections.forEach(Connection::cut);
            }
        }
    }

    private void run(Connection connection, boolean tooMany) {
        try {
            if (tooMany) {
                connection.turnAway(PgException.fatal("53300", "sorry, too many clients already"));
            } else {
                connection.run();
            }
        } finally {
            connections.remove(connection);
        }
    }

    private void reap() {
        while (!closed) {
            LockSupport.parkNanos(REAP_NANOS);
            long now = System.nanoTime();
            connections.forEach(c -> c.cutIfLate(now));
        }
    }

    /** Ends every connection and waits a moment for statements that run. */
    @Override
    public void close() {
        closed = true;
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "PostgreSQL endpoint: " + e);
        }
        connections.forEach(Connection::cut);
        LockSupport.unpark(reaper);
        long end = System.nanoTime() + 2_000_000_000L;
        while (!connections.isEmpty() && System.nanoTime() < end) {
            connections.forEach(Connection::cut);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
