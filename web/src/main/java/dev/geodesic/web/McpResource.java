package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.CallAnswer;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.SqlAnswer;
import dev.geodesic.engine.schema.SchemaJson;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.web.mcp.McpServer;
import dev.geodesic.web.mcp.ToolBackend;
import dev.geodesic.web.mcp.ToolResult;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** Databases as tools of agents (spec/http-api.md section 7), with the rights that the caller has over HTTP. */
@Path("")
@ApplicationScoped
public class McpResource {

    private static final System.Logger LOG = System.getLogger(McpResource.class.getName());
    /** Of the rows of a result: agents read it whole, so it is made whole. */
    private static final int RESULT_BYTES_MAX = 4 << 20;

    @Inject
    private Server server;

    @Inject
    private SqlResource sql;

    @Inject
    private CallResource calls;

    @POST
    @Path("mcp")
    public void ofServer(@Context SecurityContext security, InputStream body, @Suspended AsyncResponse response) {
        handle(new McpServer(StatusResource.VERSION, true, new Tools(Credentials.required(security), null)), body, response);
    }

    /** As {@link #ofServer}, of the database in the route of {@link DatabaseResource#mcp}. */
    void ofDatabase(String name, SecurityContext security, InputStream body, AsyncResponse response) {
        Database database = Names.database(server, name);
        handle(new McpServer(StatusResource.VERSION, false, new Tools(Credentials.required(security), database)), body, response);
    }

    private static void handle(McpServer mcp, InputStream body, AsyncResponse response) {
        Requests.send(mcp.handle(Bodies.read(body, Bodies.BYTES_MAX))
                .thenApply(answer -> answer.map(Answers::json).orElseGet(() -> Response.accepted().build())), response);
    }

    /** @param only the database of the route, or null */
    private final class Tools implements ToolBackend {

        private final Credentials caller;
        private final Database only;

        Tools(Credentials caller, Database only) {
            this.caller = caller;
            this.only = only;
        }

        private Database database(String name) {
            return only != null ? only : Names.database(server, name);
        }

        @Override
        public CompletableFuture<ToolResult> listDatabases() {
            JsonWriter json = new JsonWriter().beginArray();
            for (Identity identity : server.databasesOf(caller.identity())) {
                json.beginObject().key("database_identity").string(identity.toHex()).key("names").beginArray();
                server.names(identity).forEach(json::string);
                json.endArray().endObject();
            }
            return CompletableFuture.completedFuture(new ToolResult(json.endArray().toString(), false));
        }

        @Override
        public CompletableFuture<ToolResult> schema(String name) {
            return told(() -> {
                JsonWriter json = new JsonWriter();
                SchemaJson.writeV9(database(name).definition(), json);
                return CompletableFuture.completedFuture(new ToolResult(json.toString(), false));
            });
        }

        @Override
        public CompletableFuture<ToolResult> sql(String name, String statement, boolean confirmed) {
            return told(() -> sql.run(database(name), caller.client(), statement, confirmed).thenApply(McpResource::text));
        }

        @Override
        public CompletableFuture<ToolResult> call(String name, String function, String arguments) {
            return told(() -> calls.run(database(name), caller.client(), function, new Arguments.Json(arguments))
                    .thenApply(McpResource::text));
        }
    }

    private static ToolResult text(SqlAnswer answer) {
        if (answer.result().rows().bytes().length > RESULT_BYTES_MAX) {
            return new ToolResult("the result has more than " + RESULT_BYTES_MAX + " bytes: ask for less", true);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            SqlResource.write(answer, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ToolResult(out.toString(StandardCharsets.UTF_8), false);
    }

    private static ToolResult text(CallAnswer answer) {
        return switch (answer) {
            case CallAnswer.OfProcedure procedure -> new ToolResult(procedure.json(), false);
            case CallAnswer.OfReducer(CallResult.Committed committed) -> new ToolResult("committed", false);
            case CallAnswer.OfReducer(CallResult.Failed failed) -> new ToolResult(failed.message(), true);
            case CallAnswer.OfReducer(CallResult.Trapped trapped) -> new ToolResult(trapped.message(), true);
            case CallAnswer.OfReducer(CallResult.Refused refused) -> new ToolResult(refused.message(), true);
            case CallAnswer.OfReducer(CallResult.TimedOut timedOut) -> new ToolResult("the call took too long", true);
        };
    }

    /** Errors of the caller are results of the tool; the server's own are logged. */
    private static CompletableFuture<ToolResult> told(Supplier<CompletableFuture<ToolResult>> tool) {
        CompletableFuture<ToolResult> result;
        try {
            result = tool.get();
        } catch (RuntimeException e) {
            result = CompletableFuture.failedFuture(e);
        }
        return result.exceptionally(failure -> switch (failure instanceof CompletionException ? failure.getCause() : failure) {
            case RefusedException e -> new ToolResult(e.getMessage(), true);
            case EngineException e when e.code() != ErrorCode.INTERNAL -> new ToolResult(e.getMessage(), true);
            case Throwable e -> {
                LOG.log(System.Logger.Level.ERROR, "a tool failed", e);
                yield new ToolResult("internal error", true);
            }
        });
    }
}
