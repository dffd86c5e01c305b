package dev.geodesic.web;

import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.ext.Provider;
import java.util.regex.Pattern;

/** Lets pages of every origin use the server, and answers every OPTIONS request (spec/http-api.md section 8). */
@Provider
public class CorsFilter implements ContainerResponseFilter {

    private static final Pattern SUBSCRIBE = Pattern.compile("/?database/[^/]+/subscribe");
    private static final String ALLOW_ORIGIN = "Access-Control-Allow-Origin";
    private static final String VARY = "origin, access-control-request-method, access-control-request-headers";

    /** For answers that no resource gives. */
    public static void allowOrigins(HttpServletResponse response) {
        response.setHeader(ALLOW_ORIGIN, "*");
        response.setHeader(HttpHeaders.VARY, VARY);
    }

    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        MultivaluedMap<String, Object> headers = response.getHeaders();
        headers.putSingle(ALLOW_ORIGIN, "*");
        headers.putSingle(HttpHeaders.VARY, VARY);
        if (request.getMethod().equals("OPTIONS")) {
            // No resource has this path: it becomes a WebSocket before.
            String allowed = SUBSCRIBE.matcher(request.getUriInfo().getPath()).matches()
                    ? "GET,HEAD" : Answers.methods(response.getHeaderString(HttpHeaders.ALLOW));
            headers.remove(HttpHeaders.ALLOW);
            if (!allowed.isEmpty()) {
                headers.putSingle(HttpHeaders.ALLOW, allowed);
            }
            headers.putSingle("Access-Control-Allow-Methods", "*");
            headers.putSingle("Access-Control-Allow-Headers", "authorization,accept,content-type");
            headers.remove(HttpHeaders.CONTENT_TYPE);
            response.setStatus(200);
            response.setEntity(null);
        }
    }
}
