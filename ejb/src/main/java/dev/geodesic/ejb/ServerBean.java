package dev.geodesic.ejb;

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
import java.nio.file.Files;
import java.util.concurrent.ThreadFactory;
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
    private ThreadFactory guestThreads;

    @PostConstruct
    void start() {
        config = ServerConfig.read(name -> settings.getOptionalValue(name, String.class));
        guestThreads = Thread.ofPlatform().daemon().name("geodesic-guest-", 0).stackSize(config.guestStackBytes()).factory();
        CompilerClassPath.prepare();
        // The engine loads the library once for the whole process, from where this property says.
        config.wasmtimeLibrary().ifPresent(path -> System.setProperty("geodesic.wasmtime.library", path.toString()));
        try {
            Files.createDirectories(config.dataDirectory());
        } catch (IOException e) {
            throw new IllegalStateException("geodesic.data.directory=" + config.dataDirectory() + " cannot be made: " + e, e);
        }
        LOG.log(System.Logger.Level.INFO, "Geodesic on Java {0}: data in {1}, rows in the {2} store",
                Runtime.version().toString(), config.dataDirectory(), config.store());
    }

    @PreDestroy
    void stop() {
        LOG.log(System.Logger.Level.INFO, "Geodesic stopped");
    }

    /** The settings in force. */
    public ServerConfig config() {
        return config;
    }

    /** Makes platform threads whose stacks are large enough for guests. Any thread may use it. */
    public ThreadFactory guestThreads() {
        return guestThreads;
    }
}
