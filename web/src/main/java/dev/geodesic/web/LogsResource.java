package dev.geodesic.web;

import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.StreamingOutput;
import jakarta.ws.rs.core.UriInfo;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/** The log of a module (spec/http-api.md 6.10). */
@Path("database")
@ApplicationScoped
public class LogsResource {

    private static final long LINES_MAX = 100_000;
    private static final long U32_MAX = 0xFFFF_FFFFL;
    private static final int FOLLOWERS_MAX = 256;
    private static final long HEARTBEAT_MILLIS = 5_000;
    private static final int BUFFER_BYTES = 16 << 10;

    private final Semaphore followers = new Semaphore(FOLLOWERS_MAX);
    /** Followers wait for lines without holding a thread of the server. */
    private final ExecutorService threads =
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("geodesic-log-", 0).factory());

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    /** Number of logs that are being followed. */
    int followerCount() {
        return FOLLOWERS_MAX - followers.availablePermits();
    }

    @PreDestroy
    void stop() {
        threads.shutdownNow();
    }

    @GET
    @Path("{database}/logs")
    public void logs(
            @PathParam("database") String name,
            @Context UriInfo uri,
            @Context SecurityContext security,
            @Suspended AsyncResponse answer) {
        Query query = Query.of(uri);
        long lines = Math.clamp(query.number("num_lines", U32_MAX).orElse(U32_MAX), 1, LINES_MAX);
        boolean follow = query.flag("follow", false);
        Identity identity = Names.resolve(server, name);
        server.requireOwner(identity, Credentials.required(security).identity(), "view module logs");
        Database database = server.database(identity);
        if (!follow) {
            Requests.send(requests.about(identity, () -> tail(database, lines))
                    .thenApply(tail -> answer(out -> write(tail, out))), answer);
            return;
        }
        if (!followers.tryAcquire()) {
            throw new RefusedException(503, "more than " + FOLLOWERS_MAX + " logs are being followed; try again later");
        }
        threads.execute(() -> {
            try {
                answer.resume(answer(out -> follow(database, lines, out)));
            } finally {
                followers.release();
            }
        });
    }

    private static List<String> tail(Database database, long lines) {
        try {
            return database.log().tail(lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Response answer(StreamingOutput body) {
        return Response.ok(body)
                .header(HttpHeaders.CONTENT_TYPE, "application/x-ndjson")
                .header(HttpHeaders.CACHE_CONTROL, "no-cache")
                .build();
    }

    private static void write(List<String> lines, OutputStream target) throws IOException {
        OutputStream out = new BufferedOutputStream(target, BUFFER_BYTES);
        for (String line : lines) {
            out.write(line.getBytes(StandardCharsets.UTF_8));
            out.write('\n');
        }
        out.flush();
    }

    /** Until the client goes away or the database does. */
    private void follow(Database database, long lines, OutputStream out) throws IOException {
        LogFollower follower = new LogFollower();
        AutoCloseable following = database.log().follow(lines, follower);
        try {
            follower.bound();
            while (isRunning(database)) {
                List<String> next = follower.take(HEARTBEAT_MILLIS);
                if (next.isEmpty()) {
                    // White space before a line: readers skip it, and writing shows whether there still is one.
                    out.write(' ');
                } else {
                    write(next, out);
                }
                out.flush();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            end(following);
        }
    }

    private static void end(AutoCloseable following) throws IOException {
        try {
            following.close();
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    private boolean isRunning(Database database) {
        return database.failure().isEmpty() && server.databases().contains(database);
    }
}
