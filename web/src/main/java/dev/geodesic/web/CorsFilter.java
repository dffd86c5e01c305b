package dev.geodesic.web;

import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.ext.Provider;

/** Lets pages of every origin use the server, and answers every OPTIONS request (spec/http-api.md section 8). */
@Provider
public class CorsFilter implements ContainerResponseFilter {

    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        MultivaluedMap<String, Object> headers = response.getHeaders();
        headers.putSingle("Access-Control-Allow-Origin", "*");
        headers.putSingle(HttpHeaders.VARY, "origin, access-control-request-method, access-control-request-headers");
        if (request.getMethod().equals("OPTIONS")) {
            String allowed = Answers.methods(response.getHeaderString(HttpHeaders.ALLOW));
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
