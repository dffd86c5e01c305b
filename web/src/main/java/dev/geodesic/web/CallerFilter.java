package dev.geodesic.web;

import dev.geodesic.engine.database.Server;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.ext.Provider;
import java.security.Principal;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Finds out who calls (spec/http-api.md section 3.1), before a route is looked for: callers of databases learn their
 * identity and token from unknown paths, too. Routes get {@link Credentials} as the principal.
 */
@Provider
@PreMatching
public class CallerFilter implements ContainerRequestFilter, ContainerResponseFilter {

    private static final String IDENTITY = "spacetime-identity";
    private static final String TOKEN = "spacetime-identity-token";
    private static final Pattern DATABASE_PATH = Pattern.compile("/?(database(/.*)?|mcp)");

    @Inject
    private Server server;

    /** @param container what the application server knows of the caller, who may have logged in there, too */
    private record Caller(Credentials credentials, SecurityContext container) implements SecurityContext {

        @Override
        public Principal getUserPrincipal() {
            return credentials;
        }

        @Override
        public boolean isUserInRole(String role) {
            return container.isUserInRole(role);
        }

        @Override
        public boolean isSecure() {
            return container.isSecure();
        }

        @Override
        public String getAuthenticationScheme() {
            return "Bearer";
        }
    }

    private static boolean tellsIdentity(ContainerRequestContext request) {
        return DATABASE_PATH.matcher(request.getUriInfo().getPath()).matches();
    }

    @Override
    public void filter(ContainerRequestContext request) {
        // A browser asks what is allowed without saying who it is.
        if (request.getMethod().equals("OPTIONS")) {
            return;
        }
        Optional<Credentials> presented = TokenFilter.credentials(request::getProperty);
        if (presented.isPresent() || tellsIdentity(request)) {
            Credentials credentials = presented.orElseGet(() -> Credentials.anonymous(server.tokens()));
            request.setSecurityContext(new Caller(credentials, request.getSecurityContext()));
        }
    }

    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        if (tellsIdentity(request) && request.getSecurityContext() instanceof Caller caller) {
            response.getHeaders().putSingle(IDENTITY, caller.credentials().getName());
            response.getHeaders().putSingle(TOKEN, caller.credentials().token());
        }
    }

    /** For answers that no resource gives. */
    static void tellIdentity(HttpServletResponse response, Credentials caller) {
        response.setHeader(IDENTITY, caller.getName());
        response.setHeader(TOKEN, caller.token());
    }
}
