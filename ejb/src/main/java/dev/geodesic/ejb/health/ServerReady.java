package dev.geodesic.ejb.health;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.durability.DiskWatch;
import jakarta.ejb.EJB;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * Calls are served: the databases have been opened and the data directory can be written. While they are being opened the
 * answer is down, and says how far each is. A database that could not be opened, or has stopped, is named with its reason; it
 * does not make the server unready, for the others serve. Neither does a full disk: reads go on; nor a snapshot that failed.
 */
@Readiness
@ApplicationScoped
public class ServerReady implements HealthCheck {

    @EJB
    private ServerBean bean;

    @Override
    public HealthCheckResponse call() {
        Server server = bean.server();
        Path data = bean.config().dataDirectory();
        Map<?, String> opening = server.openingDatabases();
        Map<?, EngineException> failed = server.failedDatabases();
        Map<?, Throwable> stopped = server.stoppedDatabases();
        DiskWatch disk = server.disk();
        HealthCheckResponseBuilder answer = HealthCheckResponse.named("geodesic")
                .status(opening.isEmpty() && Files.isDirectory(data) && Files.isWritable(data))
                .withData("dataDirectory", data.toString())
                .withData("databases", server.databases().size())
                .withData("databases_opening", opening.size())
                .withData("databases_failed", failed.size())
                .withData("databases_stopped", stopped.size())
                .withData("disk", disk.level().name().toLowerCase(Locale.ROOT));
        if (disk.usableBytes() != Long.MAX_VALUE) {
            answer.withData("disk_usable_bytes", disk.usableBytes());
        }
        server.failedSnapshots().forEach((database, error) -> answer.withData("snapshot failed " + database, error));
        server.hangingDatabases().forEach(identity -> answer.withData("hanging " + identity, "the disk does not answer"));
        opening.forEach((identity, phase) -> answer.withData("opening " + identity, phase));
        failed.forEach((identity, error) -> answer.withData("failed " + identity, error.describe()));
        stopped.forEach((identity, error) -> answer.withData(
                "stopped " + identity, error instanceof EngineException e ? e.describe() : error.toString()));
        return answer.build();
    }
}
