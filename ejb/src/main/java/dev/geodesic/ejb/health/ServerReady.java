package dev.geodesic.ejb.health;

import dev.geodesic.ejb.ServerBean;
import jakarta.ejb.EJB;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.file.Files;
import java.nio.file.Path;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * Calls are served: the engine started and its data directory can be written. A database that could not be opened is named
 * with its reason; it does not make the server unready, for the others serve.
 */
@Readiness
@ApplicationScoped
public class ServerReady implements HealthCheck {

    @EJB
    private ServerBean server;

    @Override
    public HealthCheckResponse call() {
        Path data = server.config().dataDirectory();
        HealthCheckResponseBuilder answer = HealthCheckResponse.named("geodesic")
                .status(Files.isDirectory(data) && Files.isWritable(data))
                .withData("dataDirectory", data.toString())
                .withData("databases", server.server().databases().size());
        server.server().failedDatabases().forEach((identity, error) ->
                answer.withData("failed " + identity.toHex(), error.describe()));
        return answer.build();
    }
}
