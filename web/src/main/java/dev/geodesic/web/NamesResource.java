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
import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Names of a database (spec/http-api.md 6.7 and 6.8). */
@Path("database/{database}/names")
@ApplicationScoped
public class NamesResource {

    private static final int NAMES_MAX = 100;

    @Inject
    private Server server;

    /** Answer to {@link #list}. */
    public record NameList(List<String> names) {
    }

    /** What became of {@link #add}. */
    @JsonbPropertyOrder({"domain", "database_identity"})
    public record Added(String domain, String database_identity) {
    }

    @GET
    @Produces(Answers.JSON)
    public NameList list(@PathParam("database") String name) {
        return new NameList(server.names(Names.resolve(server, name)));
    }

    @POST
    @Produces(Answers.JSON)
    public Response add(@PathParam("database") String name, @Context SecurityContext security, InputStream body) {
        Identity identity = Names.resolve(server, name);
        String added = Bodies.text(body);
        try {
            server.addName(identity, added, Credentials.required(security).identity());
        } catch (EngineException e) {
            throw switch (e.code()) {
                case NOT_AUTHORIZED -> RefusedException.tagged(401, "PermissionDenied", "domain", added);
                case NAME_TAKEN -> new RefusedException(500, "record with the name " + added + " already exists");
                default -> e;
            };
        }
        return Response.ok(Map.of("Success", new Added(added, identity.toHex()))).build();
    }

    /** Replaces all names. */
    @PUT
    public Response rename(
            @PathParam("database") String name,
            @HeaderParam(HttpHeaders.CONTENT_TYPE) String contentType,
            @Context SecurityContext security,
            InputStream body) {
        Identity identity = Names.resolve(server, name);
        if (!Answers.JSON.equals(contentType)) {
            throw new RefusedException(415, "Expected request with `Content-Type: application/json`");
        }
        List<String> names = parse(Bodies.read(body, Bodies.BYTES_MAX));
        try {
            server.setNames(identity, names, Credentials.required(security).identity());
        } catch (EngineException e) {
            throw switch (e.code()) {
                case NOT_AUTHORIZED -> RefusedException.tagged(401, "NotYourDatabase", "database", identity.toHex());
                case NAME_TAKEN -> RefusedException.json(
                        400, new JsonWriter().beginObject().key("OtherError").string(e.getMessage()).endObject());
                case INVALID_NAME -> new RefusedException(400, "Error parsing `" + malformed(names) + "`: " + e.getMessage());
                default -> e;
            };
        }
        return Answers.json(new JsonWriter().string("Success"));
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
            if (names.size() > NAMES_MAX) {
                throw new RefusedException(400, "more than " + NAMES_MAX + " names for one database");
            }
            if (names.size() == array.items().size()) {
                return names;
            }
        }
        throw new RefusedException(
                422, "Failed to deserialize the JSON body into the target type: expected a sequence of names");
    }
}
