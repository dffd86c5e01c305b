package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonWriter;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.SecurityContext;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** Names of a database (spec/http-api.md 6.7 and 6.8). */
@Path("database/{database}/names")
@ApplicationScoped
public class NamesResource {

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    /** Answer to {@link #list}. */
    public record NameList(List<String> names) {
    }

    @GET
    @Produces(Answers.JSON)
    public NameList list(@PathParam("database") String name) {
        return new NameList(server.names(Names.resolve(server, name)));
    }

    @POST
    public void add(
            @PathParam("database") String name, @Context SecurityContext security, InputStream body,
            @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        String added = Bodies.text(body);
        Requests.send(requests.about(identity, () -> {
            add(identity, added, caller);
            return Answers.json(new JsonWriter().beginObject().key("Success").beginObject()
                    .key("domain").string(added)
                    .key("database_identity").string(identity.toHex()).endObject().endObject());
        }), response);
    }

    private void add(Identity identity, String added, Identity caller) {
        try {
            server.addName(identity, added, caller);
        } catch (EngineException e) {
            throw switch (e.code()) {
                case NOT_AUTHORIZED, NAME_RESERVED -> RefusedException.tagged(401, "PermissionDenied", "domain", added);
                case NAME_TAKEN -> new RefusedException(500, "record with the name " + added + " already exists");
                default -> e;
            };
        }
    }

    /** Replaces all names. */
    @PUT
    public void rename(
            @PathParam("database") String name,
            @HeaderParam(HttpHeaders.CONTENT_TYPE) String contentType,
            @Context SecurityContext security,
            InputStream body,
            @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        if (!Answers.JSON.equals(contentType)) {
            throw new RefusedException(415, "Expected request with `Content-Type: application/json`");
        }
        List<String> names = parse(Bodies.read(body, Bodies.BYTES_MAX));
        Identity caller = Credentials.required(security).identity();
        Requests.send(requests.about(identity, () -> {
            rename(identity, names, caller);
            return Answers.json(new JsonWriter().string("Success"));
        }), response);
    }

    private void rename(Identity identity, List<String> names, Identity caller) {
        try {
            server.setNames(identity, names, caller);
        } catch (EngineException e) {
            throw switch (e.code()) {
                case NOT_AUTHORIZED -> RefusedException.tagged(401, "NotYourDatabase", "database", identity.toHex());
                case NAME_TAKEN -> RefusedException.json(
                        400, new JsonWriter().beginObject().key("OtherError").string(e.getMessage()).endObject());
                case NAME_RESERVED -> RefusedException.tagged(
                        401, "PermissionDenied", "domain", named(names, e));
                case INVALID_NAME -> new RefusedException(400, "Error parsing `" + malformed(names) + "`: " + e.getMessage());
                default -> e;
            };
        }
    }

    /** The name that an error is about. */
    private static String named(List<String> names, EngineException e) {
        return names.stream().filter(name -> e.getMessage().contains("`" + name + "`")).findFirst().orElse("");
    }

    /** The name that the engine took exception to: the first that no path could hold either. */
    private String malformed(List<String> names) {
        return names.stream().filter(name -> {
            try {
                server.resolve(name);
                return true;
            } catch (EngineException e) {
                return e.code() == ErrorCode.INVALID_NAME;
            }
        }).findFirst().orElse("");
    }

    private static List<String> parse(byte[] body) {
        JsonValue json;
        try {
            json = Json.parse(body);
        } catch (BsatnException e) {
            throw new RefusedException(400, "Failed to parse the request body as JSON: " + e.getMessage());
        }
        List<String> names = new ArrayList<>();
        if (json instanceof JsonValue.JsonArray array) {
            for (JsonValue element : array.items()) {
                if (element instanceof JsonValue.JsonString text) {
                    names.add(text.value());
                }
            }
            if (names.size() == array.items().size()) {
                return names;
            }
        }
        throw new RefusedException(
                422, "Failed to deserialize the JSON body into the target type: expected a sequence of names");
    }
}
