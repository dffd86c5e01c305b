package dev.geodesic.web;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Identities and tokens (spec/http-api.md section 5). */
@Path("identity")
@ApplicationScoped
public class IdentityResource {

    @Inject
    private Server server;

    /** Answer to {@link #create}. */
    public record NewIdentity(String identity, String token) {
    }

    /** Answer to {@link #webSocketToken}. */
    public record Token(String token) {
    }

    /** Answer to {@link #databases}. */
    public record Databases(List<String> identities) {
    }

    @POST
    @Produces(Answers.JSON)
    public NewIdentity create() {
        TokenAuthority.Issued issued = server.tokens().issueAnonymous();
        return new NewIdentity(issued.claims().identity().toHex(), issued.token());
    }

    /** The same after every restart: clients keep it as the server's fingerprint. */
    @GET
    @Path("public-key")
    @Produces("application/pem-certificate-chain")
    public byte[] publicKey() {
        return server.tokens().publicKeyPem().getBytes(StandardCharsets.US_ASCII);
    }

    @POST
    @Path("websocket-token")
    @Produces(Answers.JSON)
    public Token webSocketToken(@Context SecurityContext security) {
        return new Token(server.tokens().issueForWebSocket(Credentials.required(security).claims()));
    }

    /** Whether the token belongs to an identity: 204, or 400 without a body. */
    @GET
    @Path("{identity}/verify")
    public Response verify(@PathParam("identity") String identity, @Context SecurityContext security) {
        Identity claimed = parse(identity);
        boolean same = Credentials.required(security).identity().equals(claimed);
        return Response.status(same ? Response.Status.NO_CONTENT : Response.Status.BAD_REQUEST).build();
    }

    @GET
    @Path("{identity}/databases")
    @Produces(Answers.JSON)
    public Databases databases(@PathParam("identity") String identity) {
        return new Databases(server.databasesOf(parse(identity)).stream().map(Identity::toHex).toList());
    }

    /** An identity in a path. */
    static Identity parse(String hex) {
        try {
            return Identity.fromHex(hex);
        } catch (IllegalArgumentException e) {
            throw new RefusedException(
                    400, "Invalid URL: invalid value: string \"" + hex + "\", expected a byte array or hex string");
        }
    }
}
