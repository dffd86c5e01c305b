package dev.geodesic.web.mcp;

import java.util.concurrent.CompletableFuture;

/**
 * What tools do, as one caller. Databases are given as a name or an identity; null stands for the one that the route names.
 * A failure that its caller may read is a {@link ToolResult}; futures that fail are the server's own errors.
 */
public interface ToolBackend {

    /** The caller's databases. */
    CompletableFuture<ToolResult> listDatabases();

    CompletableFuture<ToolResult> schema(String database);

    CompletableFuture<ToolResult> sql(String database, String statement, boolean confirmed);

    /** @param arguments a JSON array */
    CompletableFuture<ToolResult> call(String database, String function, String arguments);
}
