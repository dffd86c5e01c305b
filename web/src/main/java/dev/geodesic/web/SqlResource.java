package dev.geodesic.web;

import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.SqlAnswer;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.query.SqlResult;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.TypeJson;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.StreamingOutput;
import jakarta.ws.rs.core.UriInfo;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/** One SQL statement for one request (spec/http-api.md 6.12). */
@Path("database")
@ApplicationScoped
public class SqlResource {

    private static final int BUFFER_BYTES = 16 << 10;
    /** Of the text of one row: units take no bytes in a row, but do as text. */
    private static final int ROW_TEXT_BYTES_MAX = 256 << 20;

    @Inject
    private Server server;

    @Inject
    private Requests requests;

    @POST
    @Path("{database}/sql")
    public void sql(
            @PathParam("database") String name, @Context UriInfo uri, @Context SecurityContext security, InputStream body,
            @Suspended AsyncResponse response) {
        boolean confirmed = Query.of(uri).flag("confirmed", true);
        Database database = Names.database(server, name);
        Requests.then(run(database, Credentials.required(security).client(), Bodies.text(body), confirmed), (answer, failure) -> {
            if (failure == null) {
                send(answer, response);
            } else {
                response.resume(failure);
            }
        });
    }

    /** The statement's answer, once it may be told. */
    public CompletableFuture<SqlAnswer> run(Database database, ClientInfo client, String statement, boolean confirmed) {
        CompletableFuture<SqlAnswer> result = database.lookUp(client, statement)
                .orElseGet(() -> requests.inDatabase(database.identity(), () -> database.sql(client, statement)));
        return result.thenCompose(answer ->
                confirmed
                        ? database.whenDurable(answer.txOffset()).thenApply(durable -> answer)
                        : CompletableFuture.completedFuture(answer));
    }

    private void send(SqlAnswer answer, AsyncResponse response) {
        try {
            withMemory(answer, () -> response.resume(Response.ok((StreamingOutput) out -> write(answer, out))
                    .header(HttpHeaders.CONTENT_TYPE, Answers.JSON)
                    .header(Answers.DURATION, answer.durationMicros())
                    .build()));
        } catch (IOException | RefusedException e) {
            response.resume(e);
        }
    }

    /** Blocks as long as the client reads. Errors: a 503 if too much is being sent. */
    public void send(SqlAnswer answer, HttpServletResponse response) throws IOException {
        withMemory(answer, () -> {
            response.setContentType(Answers.JSON);
            response.setHeader(Answers.DURATION, Long.toString(answer.durationMicros()));
            write(answer, response.getOutputStream());
        });
    }

    @FunctionalInterface
    private interface Sending {
        void run() throws IOException;
    }

    private void withMemory(SqlAnswer answer, Sending sending) throws IOException {
        long bytes = answer.result().rows().bytes().length;
        if (!requests.results().tryTake(bytes)) {
            throw new RefusedException(503, "The server is sending too much; try again later");
        }
        try {
            sending.run();
        } finally {
            requests.results().giveBack(bytes);
        }
    }

    /** Row by row: the text of a large result never lies in memory as a whole. */
    static void write(SqlAnswer answer, OutputStream target) throws IOException {
        SqlResult result = answer.result();
        RowBuffer rows = result.rows();
        OutputStream out = new BufferedOutputStream(target, BUFFER_BYTES);
        JsonWriter json = new JsonWriter(256, ROW_TEXT_BYTES_MAX);
        TypeJson.writeProduct(result.schema(), json);
        ascii("[{\"schema\":", out);
        flush(json, out);
        ascii(",\"rows\":[", out);
        for (int i = 0; i < rows.count(); i++) {
            if (i > 0) {
                out.write(',');
            }
            int start = rows.start(i);
            SatsJson.write(result.schema(), new BsatnReader(rows.bytes(), start, rows.end(i) - start), json,
                    SatsJson.Flavor.UNTYPED);
            flush(json, out);
        }
        ascii("],\"total_duration_micros\":" + answer.durationMicros() + ",\"stats\":", out);
        json.beginObject()
                .key("rows_inserted").number(result.inserted())
                .key("rows_deleted").number(result.deleted())
                .key("rows_updated").number(result.updated())
                .endObject();
        flush(json, out);
        ascii("}]", out);
        out.flush();
    }

    private static void ascii(String text, OutputStream out) throws IOException {
        out.write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static void flush(JsonWriter json, OutputStream out) throws IOException {
        out.write(json.buffer(), 0, json.length());
        json.clear();
    }
}
