package dev.geodesic.web;

import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.durability.LogFiles;
import dev.geodesic.engine.snapshot.SnapshotEntry;
import dev.geodesic.engine.snapshot.SnapshotListing;
import dev.geodesic.engine.snapshot.SnapshotStatus;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.sats.Identity;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Snapshots of a database and what of its past is kept; for the owner (docs/operating.md, "Snapshots and history"). */
@Path("database/{database}/snapshots")
@ApplicationScoped
public class SnapshotsResource {

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    /**
     * A snapshot. Times are microseconds since 1970.
     *
     * @param offset number of transactions in it
     * @param commit_micros when the last of them was committed
     */
    @JsonbPropertyOrder({"offset", "epoch", "commit_micros", "bytes"})
    public record Snapshot(long offset, long epoch, long commit_micros, long bytes) {

        static Snapshot of(SnapshotEntry entry) {
            return new Snapshot(entry.offset(), entry.epoch(), entry.commitMicros(), entry.bytes());
        }
    }

    /** A segment of the log, with the transactions from {@code offset} to, and without, {@code next_offset}. */
    @JsonbPropertyOrder({"file", "offset", "next_offset", "bytes", "compressed", "open"})
    public record Segment(String file, long offset, long next_offset, long bytes, boolean compressed, boolean open) {

        static Segment of(LogFiles.SegmentInfo info) {
            return new Segment(
                    info.file(), info.firstOffset(), info.nextOffset(), info.bytes(), info.compressed(), info.open());
        }
    }

    /** The states to which the database can be set back: from so many transactions to so many. */
    @JsonbPropertyOrder({"from_offset", "from_micros", "until_offset", "until_micros"})
    public record Range(long from_offset, long from_micros, long until_offset, long until_micros) {
    }

    /**
     * Answer to {@link #list}. {@code failure} is missing if the last attempt did not fail.
     *
     * @param damaged names of files of damaged snapshots, which nothing reads any more
     */
    @JsonbPropertyOrder({"snapshots", "damaged", "segments", "restorable", "running", "failure"})
    public record Listing(
            List<Snapshot> snapshots, List<String> damaged, List<Segment> segments, Range restorable, boolean running,
            String failure) {
    }

    /** Answer to {@link #deleteDamaged}: names of files. */
    public record Deleted(List<String> deleted) {
    }

    /** What there is on disk. */
    @GET
    @Produces(Answers.JSON)
    public void list(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        Requests.send(requests.about(identity, () -> json(listing(server.snapshots(identity, caller)))), response);
    }

    private static Listing listing(Snapshotter snapshots) {
        SnapshotListing listing = snapshots.list();
        SnapshotStatus status = snapshots.status();
        return new Listing(
                listing.snapshots().stream().map(Snapshot::of).toList(),
                listing.damaged(),
                listing.segments().stream().map(Segment::of).toList(),
                new Range(listing.fromOffset(), listing.fromMicros(), listing.untilOffset(), listing.untilMicros()),
                status.running(), status.failure().orElse(null));
    }

    /** Takes one now, and answers when it is published; at once if there is one of the present state. */
    @POST
    @Produces(Answers.JSON)
    public void take(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        CompletableFuture<SnapshotEntry> taken = requests.about(identity, () -> server.snapshots(identity, caller))
                .thenCompose(Snapshotter::take);
        Requests.send(taken.thenApply(entry -> json(Snapshot.of(entry))), response);
    }

    /** Deletes the files of damaged snapshots. */
    @DELETE
    @Path("damaged")
    @Produces(Answers.JSON)
    public void deleteDamaged(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        Requests.send(requests.about(identity, () ->
                json(new Deleted(server.snapshots(identity, caller).deleteDamaged()))), response);
    }

    private static Response json(Object entity) {
        return Response.ok(entity).header(HttpHeaders.CONTENT_TYPE, Answers.JSON).build();
    }
}
