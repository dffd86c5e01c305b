package dev.geodesic.web;

import dev.geodesic.engine.database.Server;
import jakarta.inject.Inject;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.ext.Provider;
import java.security.Principal;
import java.util.Optional;

/**
 * Finds out who calls (spec/http-api.md section 3.1), before a route is looked for: callers of databases learn their
 * identity and token from unknown paths, too. Routes get {@link Credentials} as the principal.
 */
@Provider
@PreMatching
public class CallerFilter implements ContainerRequestFilter, ContainerResponseFilter {

    private static final String DATABASE_PATH = "database";

    @Inject
    private Server server;

    /** @param credentials null without a token */
    private record Caller(Credentials credentials, boolean isSecure) implements SecurityContext {

        @Override
        public Principal getUserPrincipal() {
            return credentials;
        }

        @Override
        public boolean isUserInRole(String role) {
            return false;
        }

        @Override
        public String getAuthenticationScheme() {
            return "Bearer";
        }
    }

    private static boolean isDatabasePath(ContainerRequestContext request) {
        String path = request.getUriInfo().getPath();
        String relative = path.startsWith("/") ? path.substring(1) : path;
        return relative.equals(DATABASE_PATH) || relative.equals("mcp") || relative.startsWith(DATABASE_PATH + "/");
    }

    @Override
    public void filter(ContainerRequestContext request) {
        // A stale token must not keep anybody from getting a new one, nor a browser from asking what is allowed.
        if (request.getMethod().equals("OPTIONS")
                || request.getMethod().equals("POST") && request.getUriInfo().getPath().endsWith("v1/identity")) {
            return;
        }
        try {
            Optional<Credentials> presented = Credentials.of(
                    server.tokens(),
                    request.getHeaderString(HttpHeaders.AUTHORIZATION),
                    Query.of(request.getUriInfo()).text("token"));
            if (presented.isPresent() || isDatabasePath(request)) {
                Credentials credentials = presented.orElseGet(() -> Credentials.anonymous(server.tokens()));
                request.setSecurityContext(new Caller(credentials, request.getSecurityContext().isSecure()));
            }
        } catch (Credentials.MalformedException e) {
            throw new RefusedException(400, e.getMessage());
        }
    }

    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        if (isDatabasePath(request) && request.getSecurityContext() instanceof Caller caller) {
            response.getHeaders().putSingle("spacetime-identity", caller.credentials().getName());
            response.getHeaders().putSingle("spacetime-identity-token", caller.credentials().token());
        }
    }
}
