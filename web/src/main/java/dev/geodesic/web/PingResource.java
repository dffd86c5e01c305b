package dev.geodesic.web;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;

/** Whether anybody is here: 200 and nothing else, since clients refuse a 204 ({@code spec/http-api.md} 7). */
@Path("ping")
public class PingResource {

    @GET
    public Response ping() {
        return Response.ok().build();
    }
}
