package dev.geodesic.ejb;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.ServerOptions;
import dev.geodesic.engine.durability.CommitLogs;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.table.TableStores;
import dev.geodesic.engine.table.chronicle.ChronicleStores;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.pgwire.PgOptions;
import dev.geodesic.pgwire.PgServer;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.ejb.ConcurrencyManagement;
import jakarta.ejb.ConcurrencyManagementType;
import jakarta.ejb.Singleton;
import jakarta.ejb.Startup;
import jakarta.ejb.TransactionManagement;
import jakarta.ejb.TransactionManagementType;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import org.eclipse.microprofile.config.Config;

/**
 * Owns the engine from the start of the application to its end. Callers fetch what they need once and then call it
 * directly: a call through the container costs two hundred times a plain one.
 */
@Singleton
@Startup
@ConcurrencyManagement(ConcurrencyManagementType.BEAN)
@TransactionManagement(TransactionManagementType.BEAN)
public class ServerBean {

    private static final System.Logger LOG = System.getLogger(ServerBean.class.getName());

    @Inject
    private Config settings;

    private ServerConfig config;
    private Server server;
    private PgServer postgres;
    /**
     * At SIGTERM: Liberty cuts connections before it stops applications, at the same time as this begins to end them with a
     * close frame.
     */
    private final Thread termination =
            Thread.ofPlatform().name("geodesic-termination").unstarted(() -> server.drain());

    @PostConstruct
    void start() {
        config = ServerConfig.read(name -> settings.getOptionalValue(name, String.class));
        CompilerClassPath.prepare();
        // The engine loads the library once for the whole process, from where this property says.
        config.wasmtimeLibrary().ifPresent(path -> System.setProperty("geodesic.wasmtime.library", path.toString()));
        Supplier<TableStores> stores = switch (config.store()) {
            case CHRONICLE -> ChronicleStores::new;
            case HEAP -> HeapStores::new;
        };
        LogFactory logs = switch (config.storage()) {
            case DISK -> new CommitLogs(config.log());
            case MEMORY -> LogFactory.MEMORY;
        };
        ThreadFactory guestThreads =
                Thread.ofPlatform().daemon().name("geodesic-guest-", 0).stackSize(config.guestStackBytes()).factory();
        try {
            // Databases are opened in the background: requests wait for theirs, and the health answer tells how far it is.
            ServerOptions options = new ServerOptions(
                    config.dataDirectory(), config.limits(), stores, logs, guestThreads, Clock.systemUTC(), config.procedures(),
                    config.issuers()).withResources(Resources.withDisk(config)).withBackups(config.backups());
            server = Server.launch(config.snapshots().map(options::withSnapshots).orElse(options));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (EngineException e) {
            LOG.log(System.Logger.Level.ERROR, "Geodesic does not start: {0}", e.describe());
            throw e;
        }
        LOG.log(System.Logger.Level.INFO, "Geodesic on Java {0}: data in {1}, transactions kept {2}, rows in the {3} store",
                Runtime.version().toString(), config.dataDirectory(),
                config.storage() == ServerConfig.Storage.DISK ? "on disk" : "in memory only", config.store());
        config.postgres().ifPresent(this::startPostgres);
        Runtime.getRuntime().addShutdownHook(termination);
    }

    private void startPostgres(PgOptions options) {
        try {
            postgres = PgServer.start(server, options, Thread.ofVirtual().name("geodesic-pg-", 0).factory());
        } catch (UncheckedIOException e) {
            server.close();
            throw e;
        }
        LOG.log(System.Logger.Level.INFO, "PostgreSQL clients are served at {0}{1}", options.address(),
                options.tls().isEmpty() ? " without TLS" : options.tlsRequired() ? " with TLS only" : " with TLS or without");
    }

    @PreDestroy
    void stop() {
        try {
            Runtime.getRuntime().removeShutdownHook(termination);
        } catch (IllegalStateException e) {
            // It runs, or has run.
        }
        if (postgres != null) {
            postgres.close();
        }
        server.close();
        LOG.log(System.Logger.Level.INFO, "Geodesic stopped");
    }

    /** The settings in force. */
    public ServerConfig config() {
        return config;
    }

    /** The engine; running as long as the application is. */
    public Server server() {
        return server;
    }
}
