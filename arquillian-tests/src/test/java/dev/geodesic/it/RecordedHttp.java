package dev.geodesic.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.it.Http.Answer;
import dev.geodesic.it.Http.Caller;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes the requests of {@code golden/http.jsonl} again, in their order, and compares the answers. The module is another
 * one with the same tables and reducers. Error texts of our own have to agree up to the first colon, those about arguments
 * up to the cause.
 */
final class RecordedHttp {

    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([^}]*)}}");
    private static final Pattern BAD_ARGUMENTS =
            Pattern.compile("^invalid arguments for reducer (\\w+): (\\S+): invalid arguments for function \\1: \\2: \\2: ");
    private static final List<String> HEADERS = List.of(
            "content-type", "allow", "cache-control", "spacetime-identity", "spacetime-identity-token", "spacetime-energy-used",
            "spacetime-execution-duration-micros", "access-control-allow-methods", "access-control-allow-headers");

    /** A database of another module. */
    private static final Pattern LACKING = Pattern.compile("/v1/database/gh-m(\\?.*)?");

    /** Decided otherwise, with the reason. */
    private static final Map<String, String> DECIDED = Map.of(
            "GET / anonymous", "a page for browsers",
            "GET /v1/database/gh-bad/identity owner", "a failed first publish leaves no name",
            "GET /v1/database/gh-bad owner", "follows from that",
            "POST /v1/database/gh-a/names other", "names belong to the owner of the database",
            "PUT /v1/database/{{db}}/names owner", "follows from that",
            "GET /v1/database/{{db}}/names owner", "follows from that",
            "PUT /v1/database/gh-a/reset owner", "an empty body keeps the program; elsewhere tested",
            "PUT /v1/database/a%2Fb owner", "the application server refuses it first");

    /** Bodies that differ by their nature: the server's own names and figures, another module. */
    private static final Set<String> OWN_BODIES = Set.of(
            "GET /v1/identity/public-key", "GET /v1/health", "GET /v1/metrics", "GET /v1/prometheus/sd_config",
            "GET /v1/database/gh-a/schema?version=9", "GET /v1/database/gh-a/schema?version=10",
            "GET /v1/database/gh-a/logs?num_lines=6", "GET /v1/database/gh-a/logs", "PUT /v1/database/gh-bad",
            "POST /v1/database/gh-m/pre_publish");

    /** Questions about what the server calls itself and its tools. */
    private static final Pattern OWN_WORDS = Pattern.compile(".*\"method\": \"(initialize|tools/list)\".*");

    private final Http http;
    private final Map<String, Caller> callers;
    private final Map<String, byte[]> bodies;
    private final Map<String, String> values = new HashMap<>();
    private int replayed;

    /** @param bodies what placeholders for bodies stand for */
    RecordedHttp(Http http, Caller owner, Caller other, Map<String, byte[]> bodies) {
        this.http = http;
        this.callers = Map.of("owner", owner, "other", other);
        this.bodies = bodies;
        callers.forEach((name, caller) -> {
            values.put(name, caller.identity());
            values.put(name + "_token", caller.token());
        });
    }

    /** Number of requests that were compared. */
    int replayed() {
        return replayed;
    }

    void replay(String line) throws Exception {
        JsonObject recorded = Json.createReader(new StringReader(line)).readObject();
        String route = recorded.getString("method") + " " + recorded.getString("path");
        String text = recorded.getString("body", "");
        if (LACKING.matcher(recorded.getString("path")).matches() || text.startsWith("{{migration")
                || DECIDED.containsKey(route + " " + recorded.getString("caller"))) {
            return;
        }
        Answer answer = http.send(request(recorded, text));
        String what = line.substring(0, Math.min(line.length(), 400)) + "\nanswer: " + answer;
        assertEquals(recorded.getInt("status"), answer.status(), what);
        for (String name : HEADERS) {
            String expected = recorded.getJsonObject("response_headers").getString(name, "");
            assertTrue(pattern(plain(expected)).matcher(plain(answer.header(name))).matches(), name + ": " + what);
        }
        if (!OWN_BODIES.contains(route) && !OWN_BODIES.contains(text) && !OWN_WORDS.matcher(text).matches()) {
            String expected = recorded.getString("response_body");
            boolean ownText = answer.status() >= 400 && expected.contains(":") && !expected.startsWith("{");
            Matcher arguments = BAD_ARGUMENTS.matcher(expected);
            int common = arguments.find() ? arguments.end() : expected.indexOf(':');
            assertTrue(ownText
                    ? answer.body().startsWith(expected.substring(0, common))
                    : pattern(expected).matcher(answer.body()).matches(), what);
        }
        if (route.equals("PUT /v1/database/gh-a") && answer.status() == 200) {
            values.put("db", answer.json().getJsonObject("Success").getString("database_identity"));
        }
        replayed++;
    }

    private HttpRequest.Builder request(JsonObject recorded, String text) {
        byte[] body = bodies.getOrDefault(text, text.getBytes(StandardCharsets.ISO_8859_1));
        JsonObject headers = recorded.getJsonObject("headers");
        boolean ownCredentials = headers != null && headers.containsKey("Authorization");
        HttpRequest.Builder request = Http.request(recorded.getString("method"), substitute(recorded.getString("path"), false),
                ownCredentials ? null : callers.get(recorded.getString("caller")), HttpRequest.BodyPublishers.ofByteArray(body));
        if (headers != null) {
            headers.keySet().forEach(name -> request.header(name, headers.getString(name).replace("{{token}}", changedToken())));
        }
        return request;
    }

    /** The owner's, with another signature. */
    private String changedToken() {
        String token = values.get("owner_token");
        int at = token.length() - 10;
        return token.substring(0, at) + (token.charAt(at) == 'A' ? 'B' : 'A') + token.substring(at + 1);
    }

    /** Types of bodies may differ in blanks. */
    private static String plain(String header) {
        return header.replace("; ", ";").toLowerCase(Locale.ROOT);
    }

    private Pattern pattern(String expected) {
        return Pattern.compile(substitute(expected, true), Pattern.DOTALL);
    }

    /** Placeholders as what they stand for, or as a pattern for anything. */
    private String substitute(String text, boolean asPattern) {
        StringBuilder out = new StringBuilder();
        Matcher placeholder = PLACEHOLDER.matcher(text);
        int from = 0;
        while (placeholder.find()) {
            String before = text.substring(from, placeholder.start());
            String value = values.get(placeholder.group(1));
            out.append(asPattern ? Pattern.quote(before) : before);
            if (value != null) {
                out.append(asPattern ? "(?i:" + Pattern.quote(value) + ")" : value);
            } else {
                out.append(asPattern ? ".*?" : placeholder.group());
            }
            from = placeholder.end();
        }
        String rest = text.substring(from);
        return out.append(asPattern ? Pattern.quote(rest) : rest).toString();
    }
}
