package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.EnvironmentChange;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import java.util.Map;

/** Variables that a module reads; for the owner (spec/http-api.md 10). */
@Path("database/{database}/environment")
@ApplicationScoped
public class EnvironmentResource {

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    /** Values by name. */
    @GET
    public Response read(@PathParam("database") String name, @Context SecurityContext security) {
        return answer(server.environment(Names.resolve(server, name), Credentials.required(security).identity()));
    }

    private static Response answer(Map<String, String> variables) {
        JsonWriter json = new JsonWriter().beginObject();
        variables.forEach((name, value) -> json.key(name).string(value));
        return Answers.json(json.endObject());
    }

    /** Changes the variables as the headers say; the module sees them at its next call. */
    @PUT
    public void change(
            @PathParam("database") String name, @Context HttpHeaders headers, @Context SecurityContext security,
            @Suspended AsyncResponse response) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        EnvironmentChange change = EnvironmentHeaders.read(headers);
        Requests.send(requests.about(identity, () -> {
            try {
                server.changeEnvironment(identity, change, caller);
            } catch (EngineException e) {
                throw EnvironmentHeaders.refusal(e);
            }
            return answer(server.environment(identity, caller));
        }), response);
    }
}
