package dev.geodesic.web;

import dev.geodesic.engine.backup.BackupWriter;
import dev.geodesic.engine.backup.Manifest;
import dev.geodesic.engine.database.Finding;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
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
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Copies of a running database, and whether its files are whole (docs/operating.md). For its owner. */
@Path("database")
@ApplicationScoped
public class BackupResource {

    private static final int DOWNLOADS_MAX = 32;
    private static final long NANOS_MAX = TimeUnit.SECONDS.toNanos(60);
    private static final long NANOS_PER_BYTE = TimeUnit.SECONDS.toNanos(1) / (16 << 10);

    private final Semaphore downloads = new Semaphore(DOWNLOADS_MAX);

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    @Inject
    private RestoreResource restores;

    /** Answer to {@link #write}. */
    @JsonbPropertyOrder({"directory", "database_identity", "transactions", "time", "from", "bytes"})
    public record Written(
            String directory, String database_identity, long transactions, String time, long from, long bytes) {
    }

    /** Answer to {@link #verify}: without findings everything is whole. */
    @JsonbPropertyOrder({"findings"})
    public record Verified(List<Finding> findings) {
    }

    /** Sends a backup as a zip, as fast as it is read. */
    @GET
    @Path("{database}/backup")
    public void download(
            @PathParam("database") String name, @Context UriInfo uri, @Context SecurityContext security,
            @Suspended AsyncResponse answer) {
        boolean history = Query.of(uri).flag("history", false);
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        server.requireOwner(identity, caller, "back up database");
        if (!downloads.tryAcquire()) {
            throw new RefusedException(503, DOWNLOADS_MAX + " backups are being sent; try again later");
        }
        boolean begun = false;
        try {
            Requests.then(requests.withBackup(identity, () -> server.backups().prepare(identity, history, caller)),
                    (backup, failure) -> {
                        try (backup) {
                            if (failure == null) {
                                answer.resume(zip(backup));
                            } else {
                                answer.resume(failure);
                            }
                        } finally {
                            downloads.release();
                        }
                    });
            begun = true;
        } finally {
            if (!begun) {
                downloads.release();
            }
        }
    }

    private static Response zip(BackupWriter backup) {
        Manifest manifest = backup.manifest();
        String name = manifest.names().isEmpty() ? manifest.database().toHex() : manifest.names().getFirst();
        StreamingOutput body = out -> backup.writeZip(new Paced(out));
        return Response.ok(body)
                .header(HttpHeaders.CONTENT_TYPE, BackupUploads.ZIP)
                .header(HttpHeaders.CONTENT_DISPOSITION,
                        "attachment; filename=\"" + name + '-' + manifest.transactions() + ".zip\"")
                .build();
    }

    /** A client that reads too slowly is given up: the history of the database grows while a backup is read. */
    private static final class Paced extends FilterOutputStream {

        private final long start = System.nanoTime();
        private long count;

        Paced(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] source, int offset, int length) throws IOException {
            out.write(source, offset, length);
            count += length;
            if (System.nanoTime() - start > NANOS_MAX + count * NANOS_PER_BYTE) {
                throw new IOException("the backup is read too slowly");
            }
        }
    }

    /** Writes a backup into the server's directory for them. */
    @POST
    @Path("{database}/backup")
    public void write(
            @PathParam("database") String name, @HeaderParam(HttpHeaders.CONTENT_TYPE) String contentType,
            @Context UriInfo uri, @Context SecurityContext security, InputStream body, @Suspended AsyncResponse response) {
        boolean history = Query.of(uri).flag("history", false);
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        server.requireOwner(identity, caller, "back up database");
        Bodies.requireJson(contentType);
        String directory = RestoreBody.read(body).directory()
                .orElseThrow(() -> new RefusedException(422, "Expected {\"directory\": name of the backup}"));
        Requests.send(requests.withBackup(identity, () -> {
            Manifest manifest = server.backups().write(identity, directory, history, caller);
            return Response.ok(new Written(
                    directory, identity.toHex(), manifest.transactions(), time(manifest.commitMicros()), manifest.from(),
                    manifest.bytes())).type(Answers.JSON).build();
        }), response);
    }

    static String time(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).toString();
    }

    /** Sets the database back: to a backup of it, or to a moment of its own past. */
    @POST
    @Path("{database}/restore")
    public void restore(
            @PathParam("database") String name, @HeaderParam(HttpHeaders.CONTENT_TYPE) String contentType,
            @Context HttpServletRequest request, @Context UriInfo uri, @Context SecurityContext security,
            InputStream body, @Suspended AsyncResponse response) {
        restores.toSame(name, contentType, request, Query.of(uri), security, body, response);
    }

    /** Reads every file of the database, while it runs. */
    @POST
    @Path("{database}/verify")
    public void verify(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        server.requireOwner(identity, caller, "verify database");
        Requests.send(requests.withBackup(identity, () ->
                Response.ok(new Verified(server.backups().verify(identity, caller))).type(Answers.JSON).build()), response);
    }
}
