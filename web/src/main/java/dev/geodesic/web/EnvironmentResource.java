package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.SecurityContext;
import java.util.Map;

/** Variables that a module reads; for the owner (spec/http-api.md 10). */
@Path("database/{database}/environment")
@ApplicationScoped
public class EnvironmentResource {

    @Inject
    private Server server;

    /** Values by name. */
    @GET
    @Produces(Answers.JSON)
    public Map<String, String> read(@PathParam("database") String name, @Context SecurityContext security) {
        return server.environment(Names.resolve(server, name), Credentials.required(security).identity());
    }

    /** Changes the variables as the headers say; the module sees them at its next call. */
    @PUT
    @Produces(Answers.JSON)
    public Map<String, String> change(
            @PathParam("database") String name, @Context HttpHeaders headers, @Context SecurityContext security) {
        Identity identity = Names.resolve(server, name);
        Identity caller = Credentials.required(security).identity();
        try {
            server.changeEnvironment(identity, EnvironmentHeaders.read(headers), caller);
        } catch (EngineException e) {
            throw EnvironmentHeaders.refusal(e);
        }
        return server.environment(identity, caller);
    }
}
