package dev.geodesic.web;

import dev.geodesic.ejb.ServerConfig;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.DatabaseEntry;
import dev.geodesic.engine.database.EnvironmentChange;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.PublishResult;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.UpdatePreview;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.MigrationText;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.UriInfo;
import java.io.InputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Publishing programs (spec/http-api.md 6.1 to 6.3). */
@Path("database")
@ApplicationScoped
public class PublishResource {

    private static final Duration CONFIRMATION_DEFAULT = Duration.ofSeconds(5);
    private static final Duration CONFIRMATION_MAX = Duration.ofMinutes(5);
    private static final String UPDATE_FAILED = "Database update failed: ";
    private static final int REPLICAS_MAX = 255;

    @Inject
    private Server server;

    @Inject
    private ServerConfig config;

    @Inject
    private Requests requests;

    @POST
    public void publishNew(
            @Context UriInfo uri, @Context HttpHeaders headers, @Context SecurityContext security, InputStream body,
            @Suspended AsyncResponse response) {
        Query query = Query.of(uri);
        if (query.flag("clear", false)) {
            throw new RefusedException(400, "Clear database requires database name or identity");
        }
        Requests.send(publish(Optional.empty(), false, query, headers, security, body), response);
    }

    @PUT
    @Path("{database}")
    public void publish(
            @PathParam("database") String name, @Context UriInfo uri, @Context HttpHeaders headers,
            @Context SecurityContext security, InputStream body, @Suspended AsyncResponse response) {
        Query query = Query.of(uri);
        Requests.send(publish(Optional.of(name), query.flag("clear", false), query, headers, security, body), response);
    }

    private CompletableFuture<Response> publish(
            Optional<String> name, boolean clear, Query query, HttpHeaders headers, SecurityContext security, InputStream body) {
        Credentials credentials = Credentials.required(security);
        Identity caller = credentials.identity();
        requireWasm(query);
        boolean breakClients = query.choice("policy", "Compatible", "BreakClients").equals(Optional.of("BreakClients"));
        if (breakClients && query.hash("token").isEmpty()) {
            throw new RefusedException(
                    400, "Migration policy is set to `BreakClients`, but no migration token was provided.");
        }
        requireReplicas(query);
        Duration timeout = query.duration("update_confirmation_timeout")
                .map(given -> given.compareTo(CONFIRMATION_MAX) > 0 ? CONFIRMATION_MAX : given).orElse(CONFIRMATION_DEFAULT);
        query.text("parent").ifPresent(parent -> Names.resolve(server, parent));
        Optional<Identity> existing = name.flatMap(this::existing);
        if (clear && existing.isPresent() && query.text("parent").isPresent()) {
            throw new RefusedException(400, "Setting the parent of an existing database is not supported");
        }
        existing.ifPresent(identity -> server.requireOwner(identity, caller, clear ? "reset database" : "update database"));
        boolean mayCreate = config.publishers().allows(credentials.claims(), security::isUserInRole);
        if (existing.isEmpty() && !mayCreate) {
            throw new RefusedException(
                    401, "To create a database, you must be logged in as somebody who may publish on this server.");
        }
        PublishRequest request = new PublishRequest(
                name, caller, program(body), clear, EnvironmentHeaders.read(headers),
                breakClients ? query.hash("token") : Optional.empty(), mayCreate);
        return requests.withProgram(() -> install(request))
                .thenCompose(result -> result.created() || clear
                        ? CompletableFuture.completedFuture(result)
                        : durable(result, timeout).thenApply(done -> result))
                .thenApply(PublishResource::success);
    }

    private byte[] program(InputStream body) {
        return Bodies.read(body, server.limits().moduleBytesMax());
    }

    private PublishResult install(PublishRequest request) {
        try {
            return server.publish(request);
        } catch (EngineException e) {
            throw switch (e.code()) {
                case NAME_TAKEN, NAME_RESERVED ->
                    RefusedException.tagged(401, "PermissionDenied", "name", request.database().orElseThrow());
                case INVALID_NAME -> Names.invalid(e);
                // The init reducer; client_connected was not asked.
                case REDUCER_FAILED -> new RefusedException(500, e.getMessage());
                case MIGRATION_REFUSED -> new RefusedException(400, "Database update rejected: " + e.getMessage());
                case MIGRATION_FAILED ->
                    new RefusedException(400, "Failed to create or update the database: " + e.getMessage());
                default -> EnvironmentHeaders.refusal(e);
            };
        }
    }

    private Optional<Identity> existing(String nameOrIdentity) {
        try {
            return server.entry(Names.resolve(server, nameOrIdentity)).map(DatabaseEntry::identity);
        } catch (EngineException e) {
            if (e.code() == ErrorCode.NO_SUCH_DATABASE) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private CompletableFuture<Void> durable(PublishResult result, Duration timeout) {
        try {
            return confirm(server.database(result.identity()).whenDurable(result.txOffset()), timeout);
        } catch (EngineException e) {
            throw new RefusedException(503, UPDATE_FAILED + e.getMessage());
        }
    }

    /** Completes when an update is on stable storage: a 504 if that takes longer, a 503 if it cannot come true any more. */
    static CompletableFuture<Void> confirm(CompletableFuture<Void> durable, Duration timeout) {
        return durable.copy().orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS).exceptionally(failure -> {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            throw cause instanceof TimeoutException
                    ? new RefusedException(504, UPDATE_FAILED + "timeout waiting for transaction confirmation")
                    : new RefusedException(503, UPDATE_FAILED + cause.getMessage());
        });
    }

    private static Response success(PublishResult result) {
        JsonWriter json = new JsonWriter().beginObject().key("Success").beginObject().key("domain");
        result.name().ifPresentOrElse(json::string, json::nullValue);
        json.key("database_identity").string(result.identity().toHex());
        return Answers.json(json.key("op").string(result.created() ? "created" : "updated").endObject().endObject());
    }

    private static void requireWasm(Query query) {
        if (query.choice("host_type", "Wasm", "Js").equals(Optional.of("Js"))) {
            throw new RefusedException(400, "JavaScript modules are not supported by this server; publish WebAssembly");
        }
    }

    private static void requireReplicas(Query query) {
        query.number("num_replicas", Integer.MAX_VALUE).ifPresent(count -> {
            if (count > REPLICAS_MAX) {
                throw new RefusedException(400, "Replication factor " + count + " out of bounds");
            }
        });
    }

    /** What publishing a program would do, and the token that agrees to it. */
    @POST
    @Path("{database}/pre_publish")
    public void preview(
            @PathParam("database") String name, @Context UriInfo uri, @Context SecurityContext security, InputStream body,
            @Suspended AsyncResponse response) {
        Query query = Query.of(uri);
        requireWasm(query);
        Optional<String> style = query.choice("style", "AnsiColor", "NoColor")
                .or(() -> query.choice("pretty_print_style", "AnsiColor", "NoColor"));
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        server.requireOwner(identity, caller, "update database");
        byte[] program = program(body);
        boolean colors = !style.equals(Optional.of("NoColor"));
        Requests.send(requests.withProgram(() -> server.preview(identity, caller, program))
                .thenApply(preview -> answer(preview, colors)), response);
    }

    private static Response answer(UpdatePreview preview, boolean colors) {
        JsonWriter json = new JsonWriter().beginObject();
        switch (preview) {
            case UpdatePreview.Automatic(MigrationPlan plan, String token, boolean majorUpgrade) -> json
                    .key("AutoMigrate").beginObject()
                    .key("migrate_plan").string(MigrationText.of(plan, colors))
                    .key("break_clients").bool(plan.breaksClients())
                    .key("token").string(token)
                    .key("major_version_upgrade").bool(majorUpgrade).endObject();
            case UpdatePreview.Refused(String reason, boolean majorUpgrade) -> json
                    .key("ManualMigrate").beginObject()
                    .key("reason").string(reason)
                    .key("major_version_upgrade").bool(majorUpgrade).endObject();
        }
        return Answers.json(json.endObject());
    }

    /** Starts again from an empty database. Without a body the program stays. */
    @PUT
    @Path("{database}/reset")
    public void reset(
            @PathParam("database") String name, @Context UriInfo uri, @Context SecurityContext security, InputStream body,
            @Suspended AsyncResponse response) {
        Query query = Query.of(uri);
        requireWasm(query);
        requireReplicas(query);
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        server.requireOwner(identity, caller, "reset database");
        byte[] sent = program(body);
        Requests.send(requests.withProgram(() -> success(install(new PublishRequest(
                Optional.of(name), caller, sent.length == 0 ? server.program(identity) : sent, true, EnvironmentChange.NONE,
                Optional.empty(), false)))), response);
    }
}
