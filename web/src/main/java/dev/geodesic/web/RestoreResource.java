package dev.geodesic.web;

import dev.geodesic.ejb.ServerConfig;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.Backups;
import dev.geodesic.engine.database.RestoreRequest;
import dev.geodesic.engine.database.RestoreResult;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.UriInfo;
import java.io.InputStream;
import java.util.Optional;
import java.util.function.Supplier;

/** Databases made of backups and of the past of others (docs/operating.md). */
@Path("restore")
@ApplicationScoped
public class RestoreResource {

    @Inject
    private Server server;

    @Inject
    private ServerConfig config;

    @Inject
    private Requests requests;

    /** Answer to every restore. */
    @JsonbPropertyOrder({"database_identity", "name", "op", "transactions", "time"})
    public record Restored(String database_identity, String name, String op, long transactions, String time) {
    }

    /** Makes a new database of the caller. */
    @POST
    public void toAnother(
            @HeaderParam(HttpHeaders.CONTENT_TYPE) String contentType, @Context HttpServletRequest request,
            @Context UriInfo uri, @Context SecurityContext security, InputStream body, @Suspended AsyncResponse response) {
        Identity caller = Credentials.required(security).identity();
        Query query = Query.of(uri);
        if (!mayCreate(security)) {
            throw new RefusedException(
                    401, "To create a database, you must be logged in as somebody who may publish on this server.");
        }
        RestoreRequest.Target target = new RestoreRequest.Target.Another(query.text("name"));
        restore(caller, target, contentType, request, query, security, body, response, named -> named.database()
                .map(database -> (RestoreRequest.Source) new RestoreRequest.Source.History(Names.resolve(server, database))));
    }

    void toSame(
            String name, String contentType, HttpServletRequest request, Query query, SecurityContext security, InputStream body,
            AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        if (server.entry(identity).isPresent()) {
            server.requireOwner(identity, caller, "restore database");
        } else if (!mayCreate(security)) {
            throw new EngineException(ErrorCode.NO_SUCH_DATABASE, "No such database.");
        }
        restore(identity, new RestoreRequest.Target.Same(identity), contentType, request, query, security, body, response,
                named -> named.database().isPresent() || named.moment() instanceof Moment.Latest
                        ? Optional.empty()
                        : Optional.of(new RestoreRequest.Source.History(identity)));
    }

    private boolean mayCreate(SecurityContext security) {
        return config.publishers().allows(Credentials.required(security).claims(), security::isUserInRole);
    }

    /** What a body means that names no directory. */
    private interface HistoryOf {
        Optional<RestoreRequest.Source> of(RestoreBody body);
    }

    private void restore(
            Identity lane, RestoreRequest.Target target, String contentType, HttpServletRequest request, Query query,
            SecurityContext security, InputStream body, AsyncResponse response, HistoryOf histories) {
        Identity caller = Credentials.required(security).identity();
        boolean mayCreate = mayCreate(security);
        Supplier<RestoreResult> work;
        if (BackupUploads.ZIP.equals(contentType)) {
            Backups.Upload upload = BackupUploads.of(request)
                    .orElseThrow(() -> new RefusedException(400, "The request has no backup in its body"));
            work = () -> {
                try (upload) {
                    return server.backups().restore(new RestoreRequest(
                            new RestoreRequest.Source.Sent(upload), RestoreBody.moment(query), target, caller, mayCreate));
                }
            };
        } else {
            Bodies.requireJson(contentType);
            RestoreBody named = RestoreBody.read(body);
            RestoreRequest.Source source = named.directory()
                    .map(directory -> (RestoreRequest.Source) new RestoreRequest.Source.Directory(directory))
                    .or(() -> histories.of(named))
                    .orElseThrow(() -> new RefusedException(
                            422, "Expected a zip, the `directory` of a backup, or an `offset` or a `time` of a database's past"));
            work = () -> server.backups().restore(new RestoreRequest(source, named.moment(), target, caller, mayCreate));
        }
        Requests.send(requests.withBackup(lane, () -> answer(work)), response);
    }

    private static Response answer(Supplier<RestoreResult> work) {
        try {
            RestoreResult result = work.get();
            return Response.ok(new Restored(
                    result.identity().toHex(), result.name().orElse(null), result.created() ? "created" : "restored",
                    result.transactions(), BackupResource.time(result.commitMicros()))).type(Answers.JSON).build();
        } catch (EngineException e) {
            throw e.code() == ErrorCode.INVALID_NAME ? Names.invalid(e) : e;
        }
    }
}
