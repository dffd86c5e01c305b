package dev.geodesic.web;

import dev.geodesic.engine.database.Server;
import jakarta.inject.Inject;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.ext.Provider;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;

/**
 * Reads what is left of a refused upload before the answer goes out: clients that are still sending would see a broken
 * connection instead of the status (spec/http-api.md section 1). Bounded in bytes and time.
 */
@Provider
public class DrainFilter implements ContainerResponseFilter {

    private static final int PART_BYTES = 16 << 10;
    private static final long NANOS_MAX = TimeUnit.SECONDS.toNanos(30);
    private static final int BAD_REQUEST = 400;

    @Inject
    private Server server;

    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        if (response.getStatus() < BAD_REQUEST || request.getMethod().equals("GET")) {
            return;
        }
        try {
            InputStream body = request.getEntityStream();
            byte[] part = new byte[PART_BYTES];
            long start = System.nanoTime();
            long left = server.limits().moduleBytesMax();
            int count = 0;
            while (count >= 0 && left > 0 && System.nanoTime() - start < NANOS_MAX) {
                count = body.read(part);
                left -= count;
            }
        } catch (IOException e) {
            // Closed already, or the client is gone: there is nothing left to read.
            return;
        }
    }
}
