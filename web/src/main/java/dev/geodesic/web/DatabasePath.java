package dev.geodesic.web;

import jakarta.servlet.http.HttpServletRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A path that a filter answers instead of a resource: {@code /v1/database/{name}/{route}} and what lies below.
 *
 * @param name of the database, or its identity
 * @param below of the path, from the slash behind the route on; empty without one
 */
public record DatabasePath(String name, String below) {

    private static final Pattern PATTERN = Pattern.compile("/v1/database/([^/]+)/([^/]+)(/.*)?");

    /** The path of a request, if it is one of {@code route}. OPTIONS is answered elsewhere, for every path. */
    public static Optional<DatabasePath> of(HttpServletRequest request, String route) {
        Matcher path = PATTERN.matcher(request.getRequestURI());
        return path.matches() && path.group(2).equals(route) && !request.getMethod().equals("OPTIONS")
                ? Optional.of(new DatabasePath(decode(path.group(1)), Optional.ofNullable(path.group(3)).orElse("")))
                : Optional.empty();
    }

    private static String decode(String segment) {
        try {
            return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            // Refused as a name, then.
            return segment;
        }
    }
}
