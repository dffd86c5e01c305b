package dev.geodesic.web;

import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.snapshot.SnapshotEntry;
import dev.geodesic.engine.snapshot.SnapshotStatus;
import dev.geodesic.web.ws.Outboxes;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.UriInfo;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;

/** What operators and tools ask of the server as a whole (spec/http-api.md section 7). */
@Path("")
@ApplicationScoped
public class StatusResource {

    static final String VERSION = version();

    @Inject
    private Server server;

    @Inject
    private LogsResource logs;

    @Inject
    private Requests requests;

    /** Answer to {@link #health}. */
    @JsonbPropertyOrder({"package_name", "version", "nodes", "schedulable"})
    public record Health(String package_name, String version, List<Integer> nodes, boolean schedulable) {
    }

    /** One entry of the answer to {@link #serviceDiscovery}. */
    @JsonbPropertyOrder({"targets", "labels"})
    public record Targets(List<String> targets, Map<String, String> labels) {
    }

    /** Answer about energy: nothing here costs any. */
    public record Balance(String balance) {
    }

    /** Whether anybody is here: 200 and nothing else, since clients refuse a 204. */
    @GET
    @Path("ping")
    public Response ping() {
        return Response.ok().build();
    }

    @GET
    @Path("health")
    @Produces(Answers.JSON)
    public Health health() {
        return new Health("geodesic", VERSION, List.of(0), true);
    }

    /** Version of the build that made this application. */
    private static String version() {
        try (InputStream in = StatusResource.class.getResourceAsStream("version.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @GET
    @Path("prometheus/sd_config")
    @Produces(Answers.JSON)
    public List<Targets> serviceDiscovery(@Context UriInfo uri) {
        int port = uri.getBaseUri().getPort();
        return List.of(new Targets(List.of(uri.getBaseUri().getHost() + ":" + (port < 0 ? 80 : port)), Map.of()));
    }

    @GET
    @Path("metrics")
    public Response metrics() {
        StringBuilder text = new StringBuilder(1024);
        gauge(text, "geodesic_databases", "Running databases", server.databases().size());
        gauge(text, "geodesic_databases_failed", "Databases that could not be opened", server.failedDatabases().size());
        gauge(text, "geodesic_databases_opening", "Databases that are being opened", server.openingDatabases().size());
        gauge(text, "geodesic_databases_stopped", "Databases that stopped by themselves", server.stoppedDatabases().size());
        gauge(text, "geodesic_databases_hanging", "Databases whose disk does not answer", server.hangingDatabases().size());
        gauge(text, "geodesic_server_memory_bytes", "Bytes that all databases and their programs hold", server.memory().bytes());
        gauge(text, "geodesic_server_memory_bytes_max", "Bytes that they may hold", server.memory().bytesMax());
        gauge(text, "geodesic_server_heap_bytes", "Of these bytes, those on the heap", server.memory().heapBytes());
        gauge(text, "geodesic_server_heap_bytes_max", "Bytes that they may hold on the heap", server.memory().heapBytesMax());
        gauge(text, "geodesic_disk_usable_bytes", "Room on the disk of the data directory", server.disk().usableBytes());
        gauge(text, "geodesic_disk_level", "0 enough, 1 low, 2 writes are refused, 3 deletions too",
                server.disk().level().ordinal());
        gauge(text, "geodesic_log_followers", "Module logs that are being followed", logs.followerCount());
        gauge(text, "geodesic_requests", "HTTP requests that databases work on, or that wait for them", requests.pending());
        gauge(text, "geodesic_outbox_messages", "Messages that wait to be sent to WebSocket clients", Outboxes.waitingMessages());
        gauge(text, "geodesic_outbox_bytes", "Bytes of these messages", Outboxes.waitingBytes());
        gauges(text, "geodesic_connections", "WebSocket connections", Database::connectionCount);
        gauges(text, "geodesic_watched_queries", "Distinct queries that clients watch", Database::watchedQueryCount);
        gauges(text, "geodesic_memory_bytes", "Bytes of rows and indexes", Database::memoryBytes);
        gauges(text, "geodesic_confirmation_depth", "Messages that wait for the disk", Database::unconfirmedMessages);
        gauges(text, "geodesic_queue_depth", "Tasks that wait for the writer", Database::queueDepth);
        gauges(text, "geodesic_durable_offset", "Offset of the last transaction on stable storage", Database::durableOffset);
        snapshots(text);
        return Answers.text(200, text.toString());
    }

    private void snapshots(StringBuilder text) {
        Map<String, SnapshotStatus> all = new TreeMap<>();
        server.controlSnapshots().ifPresent(control -> all.put("control", control.status()));
        for (Database database : server.databases()) {
            database.snapshots().ifPresent(snapshots -> all.put(database.identity().toHex(), snapshots.status()));
        }
        long now = server.clock().millis();
        snapshots(text, all, "offset", "Transactions in the newest snapshot", s ->
                s.last().map(SnapshotEntry::offset).orElse(0L));
        snapshots(text, all, "age_seconds", "Time since the newest snapshot was begun; -1 if there is none", s ->
                s.last().isEmpty() ? -1 : Math.max(0, (now - s.takenMicros() / 1000) / 1000));
        snapshots(text, all, "duration_millis", "Time that the newest snapshot took", SnapshotStatus::durationMillis);
        snapshots(text, all, "failures", "Snapshots that failed since the start", SnapshotStatus::failures);
        snapshots(text, all, "failing", "1 if the last snapshot failed", s -> s.failure().isPresent() ? 1 : 0);
        snapshots(text, all, "bytes", "Bytes of snapshots on disk", SnapshotStatus::snapshotBytes);
        snapshots(text, all, "log_bytes", "Bytes of the log on disk", SnapshotStatus::logBytes);
    }

    private static void snapshots(
            StringBuilder text, Map<String, SnapshotStatus> all, String name, String help, ToLongFunction<SnapshotStatus> value) {
        String full = "geodesic_snapshot_" + name;
        head(text, full, help);
        all.forEach((database, status) -> text.append(full).append("{database=\"").append(database).append("\"} ")
                .append(value.applyAsLong(status)).append('\n'));
    }

    private static void head(StringBuilder text, String name, String help) {
        text.append("# HELP ").append(name).append(' ').append(help).append("\n# TYPE ").append(name).append(" gauge\n");
    }

    private static void gauge(StringBuilder text, String name, String help, long value) {
        head(text, name, help);
        text.append(name).append(' ').append(value).append('\n');
    }

    private void gauges(StringBuilder text, String name, String help, ToLongFunction<Database> value) {
        head(text, name, help);
        for (Database database : server.databases()) {
            text.append(name).append("{database=\"").append(database.identity().toHex()).append("\"} ")
                    .append(value.applyAsLong(database)).append('\n');
        }
    }

    @GET
    @Path("energy/{identity}")
    @Produces(Answers.JSON)
    public Balance energy(@PathParam("identity") String identity) {
        IdentityResource.parse(identity);
        return new Balance("0");
    }

    @POST
    @Path("energy/{identity}")
    @Produces(Answers.JSON)
    public Balance addEnergy(
            @PathParam("identity") String identity, @Context UriInfo uri, @Context SecurityContext security) {
        IdentityResource.parse(identity);
        Credentials.required(security);
        return new Balance(Long.toString(Query.of(uri).number("amount", Long.MAX_VALUE).orElse(0)));
    }

    @PUT
    @Path("energy/{identity}")
    public Response setEnergy() {
        return Response.status(Response.Status.UNAUTHORIZED).build();
    }
}
