package dev.geodesic.engine.schema;

import java.util.Optional;

/**
 * Which handler answers which requests (spec/execution.md 8.2).
 *
 * @param method as in a request line, or empty for every one
 * @param path exact; empty, or begins with a slash
 */
public record RouteDef(Optional<String> method, String path, HttpHandlerDef handler) {

    boolean matches(String requestMethod, String requestPath) {
        return path.equals(requestPath) && (method.isEmpty() || method.get().equals(requestMethod));
    }
}
