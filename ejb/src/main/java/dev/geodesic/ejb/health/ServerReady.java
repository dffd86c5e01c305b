package dev.geodesic.ejb.health;

import dev.geodesic.ejb.ServerBean;
import jakarta.ejb.EJB;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.file.Files;
import java.nio.file.Path;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Calls are served: the server bean started and its data directory can be written. */
@Readiness
@ApplicationScoped
public class ServerReady implements HealthCheck {

    @EJB
    private ServerBean server;

    @Override
    public HealthCheckResponse call() {
        Path data = server.config().dataDirectory();
        return HealthCheckResponse.named("geodesic").status(Files.isDirectory(data) && Files.isWritable(data))
                .withData("dataDirectory", data.toString()).build();
    }
}
