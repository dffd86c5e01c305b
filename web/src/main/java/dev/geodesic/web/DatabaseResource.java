package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.DatabaseEntry;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.SchemaJson;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.UriInfo;
import java.io.InputStream;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** What a database is, and its end (spec/http-api.md 6.4 to 6.6, 6.9, 6.13). */
@Path("database")
@ApplicationScoped
public class DatabaseResource {

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    @Inject
    private McpResource mcp;

    @GET
    @Path("{database}")
    public Response info(@PathParam("database") String name) {
        Identity identity = Names.resolve(server, name);
        DatabaseEntry entry = server.entry(identity)
                .orElseThrow(() -> new EngineException(ErrorCode.NO_SUCH_DATABASE, "No such database."));
        JsonWriter json = new JsonWriter().beginObject();
        typed(json.key("database_identity"), identity);
        typed(json.key("owner_identity"), entry.owner());
        json.key("host_type").beginObject().key("Wasm").beginArray().endArray().endObject();
        json.key("initial_program").string(number(entry.initialProgram()));
        return Answers.json(json.endObject());
    }

    private static void typed(JsonWriter json, Identity identity) {
        json.beginObject().key("__identity__").string(number(identity)).endObject();
    }

    /** As a 256-bit number: without leading zeros. */
    private static String number(Identity value) {
        return "0x" + value.toHex().replaceFirst("^0+(?=.)", "");
    }

    @DELETE
    @Path("{database}")
    public void delete(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        work(identity, response, () -> {
            if (server.entry(identity).isPresent()) {
                server.delete(identity, caller);
            }
        });
    }

    private void work(Identity identity, AsyncResponse response, Runnable work) {
        Requests.send(requests.about(identity, () -> {
            work.run();
            return Response.ok().build();
        }), response);
    }

    @POST
    @Path("{database}/lock")
    public void lock(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        setLocked(name, true, security, response);
    }

    private void setLocked(String name, boolean locked, SecurityContext security, AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        work(identity, response, () -> server.setLocked(identity, locked, caller));
    }

    @POST
    @Path("{database}/unlock")
    public void unlock(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        setLocked(name, false, security, response);
    }

    /** Opens a database again that could not be opened or has stopped by itself, for instance after a repair. */
    @POST
    @Path("{database}/open")
    public void open(
            @PathParam("database") String name, @Context SecurityContext security, @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        work(identity, response, () -> server.reopen(identity, caller));
    }

    @GET
    @Path("{database}/identity")
    public Response identity(@PathParam("database") String name) {
        return Answers.text(200, Names.resolve(server, name).toHex());
    }

    @GET
    @Path("{database}/schema")
    public Response schema(@PathParam("database") String name, @Context UriInfo uri) {
        boolean nine = Query.of(uri).required("version", "9", "10").equals("9");
        ModuleDef definition = Names.database(server, name).definition();
        JsonWriter json = new JsonWriter();
        if (nine) {
            SchemaJson.writeV9(definition, json);
        } else {
            SchemaJson.writeV10(definition, json);
        }
        return Answers.json(json);
    }

    /** The database as tools for agents. */
    @POST
    @Path("{database}/mcp")
    public void mcp(
            @PathParam("database") String name, @Context SecurityContext security, InputStream body,
            @Suspended AsyncResponse response) {
        mcp.ofDatabase(name, security, body, response);
    }

    @GET
    @Path("{database}/unstable/timestamp")
    public Response timestamp(@PathParam("database") String name) {
        Names.database(server, name);
        long micros = ChronoUnit.MICROS.between(Instant.EPOCH, server.clock().instant());
        return Answers.json(new JsonWriter().beginObject().key("__timestamp_micros_since_unix_epoch__").number(micros)
                .endObject());
    }
}
