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
import jakarta.ws.rs.core.SecurityContext;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

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
        Requests.send(
                answer(Names.database(server, name), function, Bodies.text(body), Credentials.required(security))
                        .thenApply(Answer::toResponse),
                response);
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

    /**
     * Calls a reducer or procedure, with arguments in JSON. Errors: those of the database, a 404 for a function that nobody may
     * call, a 503 if too many calls wait.
     */
    public CompletableFuture<Answer> answer(Database database, String function, String arguments, Credentials caller) {
        return run(database, caller.client(), function, new Arguments.Json(arguments)).handle((answer, failure) ->
                switch (Requests.reason(failure)) {
                    case null -> answer(answer);
                    case EngineException e when e.code() == ErrorCode.NO_SUCH_REDUCER ->
                            throw new RefusedException(404, "No such procedure");
                    case RuntimeException e -> throw e;
                    case Throwable e -> throw new CompletionException(e);
                });
    }

    /** The answer of a reducer or procedure. Errors: those of the database, a 503 if too many calls wait. */
    CompletableFuture<CallAnswer> run(Database database, ClientInfo client, String function, Arguments arguments) {
        return requests.call(database.identity(), () -> database.callFunction(client, function, arguments));
    }

    private Answer answer(CallAnswer answer) {
        return switch (answer) {
            case CallAnswer.OfReducer reducer -> answer(reducer.result());
            case CallAnswer.OfProcedure procedure -> new Answer(
                    200, Answers.JSON, Map.of(Answers.DURATION, procedure.durationMicros()),
                    procedure.json().getBytes(StandardCharsets.UTF_8));
        };
    }

    private Answer answer(CallResult result) {
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
    private static Answer answer(int status, String text, CallResult result) {
        return new Answer(
                status, Answers.TEXT, Map.of("spacetime-energy-used", 0, Answers.DURATION, result.durationMicros()),
                text.getBytes(StandardCharsets.UTF_8));
    }
}
