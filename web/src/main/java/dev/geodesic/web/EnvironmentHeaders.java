package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.EnvironmentChange;
import dev.geodesic.sats.JsonWriter;
import jakarta.ws.rs.core.HttpHeaders;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Changes of a module's variables as request headers (spec/http-api.md 10). */
final class EnvironmentHeaders {

    private static final String SET = "spacetime-environment";
    private static final String REMOVE = "spacetime-environment-remove";

    private EnvironmentHeaders() {
    }

    /** A header without {@code =} is a 400. */
    static EnvironmentChange read(HttpHeaders headers) {
        Map<String, String> set = new HashMap<>();
        for (String header : values(headers, SET)) {
            int equals = header.indexOf('=');
            if (equals < 1) {
                throw new RefusedException(400, "Invalid header " + SET + ": expected KEY=VALUE");
            }
            set.put(header.substring(0, equals).strip(), header.substring(equals + 1));
        }
        Set<String> remove = new HashSet<>();
        for (String header : values(headers, REMOVE)) {
            for (String name : header.split(",")) {
                remove.add(name.strip());
            }
        }
        return new EnvironmentChange(set, remove, remove.remove("*"));
    }

    private static List<String> values(HttpHeaders headers, String name) {
        List<String> values = headers.getRequestHeader(name);
        return values == null ? List.of() : values;
    }

    /** The answer to variables that are missing; any other error stays what it is. */
    static RuntimeException refusal(EngineException e) {
        if (e.code() != ErrorCode.ENVIRONMENT_MISSING) {
            return e;
        }
        JsonWriter json = new JsonWriter().beginObject().key("EnvironmentError").beginObject()
                .key("MissingRequiredEnvironment").beginObject().key("keys").beginArray();
        for (String name : e.getMessage().split(",")) {
            json.string(name);
        }
        return RefusedException.json(400, json.endArray().endObject().endObject().endObject());
    }
}
