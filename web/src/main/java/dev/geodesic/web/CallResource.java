package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.CallAnswer;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.protocol.message.Arguments;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/** Calls of reducers and procedures (spec/http-api.md 6.11). */
@Path("database")
@ApplicationScoped
public class CallResource {

    /** What a reducer's own error and a trap answer with; no status of the standard. */
    private static final int REDUCER_ERROR = 530;

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    @POST
    @Path("{database}/call/{function}")
    public void call(
            @PathParam("database") String name,
            @PathParam("function") String function,
            @HeaderParam(HttpHeaders.CONTENT_TYPE) String contentType,
            @Context SecurityContext security,
            InputStream body,
            @Suspended AsyncResponse response) {
        Bodies.requireJson(contentType);
        Database database = Names.database(server, name);
        Arguments arguments = new Arguments.Json(Bodies.text(body));
        ClientInfo client = Credentials.required(security).client();
        Requests.then(run(database, client, function, arguments), (answer, failure) -> {
            if (failure == null) {
                response.resume(answer(answer));
            } else if (failure instanceof EngineException e && e.code() == ErrorCode.NO_SUCH_REDUCER) {
                response.resume(new RefusedException(404, "No such procedure"));
            } else {
                response.resume(failure);
            }
        });
    }

    /** As it was in releases 1.11 and 1.12. */
    @POST
    @Path("{database}/unstable/procedure/{procedure}")
    public void callProcedure(
            @PathParam("database") String name,
            @PathParam("procedure") String procedure,
            @HeaderParam(HttpHeaders.CONTENT_TYPE) String contentType,
            @Context SecurityContext security,
            InputStream body,
            @Suspended AsyncResponse response) {
        call(name, procedure, contentType, security, body, response);
    }

    /** The answer of a reducer or procedure. Errors: those of the database, a 503 if too many calls wait. */
    CompletableFuture<CallAnswer> run(Database database, ClientInfo client, String function, Arguments arguments) {
        return requests.call(database.identity(), () -> database.callFunction(client, function, arguments));
    }

    private Response answer(CallAnswer answer) {
        return switch (answer) {
            case CallAnswer.OfReducer reducer -> answer(reducer.result());
            case CallAnswer.OfProcedure procedure -> Response.ok()
                    .header(HttpHeaders.CONTENT_TYPE, Answers.JSON)
                    .header("spacetime-execution-duration-micros", procedure.durationMicros())
                    .entity(procedure.json().getBytes(StandardCharsets.UTF_8))
                    .build();
        };
    }

    private Response answer(CallResult result) {
        return switch (result) {
            case CallResult.Committed committed -> answer(200, "", result);
            case CallResult.Failed failed -> answer(REDUCER_ERROR, failed.message(), result);
            case CallResult.Trapped trapped -> answer(REDUCER_ERROR, trapped.message(), result);
            case CallResult.Refused refused -> answer(
                    refused.code() == ErrorCode.DISK_FULL ? ErrorStatus.of(refused.code()) : REDUCER_ERROR,
                    refused.message(), result);
            case CallResult.TimedOut timedOut -> answer(
                    REDUCER_ERROR, "the call took longer than " + server.limits().callMillisMax() + " ms", result);
        };
    }

    /** Nothing here costs energy, but clients read the header. */
    private static Response answer(int status, String text, CallResult result) {
        return Response.status(status)
                .header(HttpHeaders.CONTENT_TYPE, Answers.TEXT)
                .header("spacetime-energy-used", 0)
                .header("spacetime-execution-duration-micros", result.durationMicros())
                .entity(text.getBytes(StandardCharsets.UTF_8))
                .build();
    }
}
