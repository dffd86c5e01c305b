package dev.geodesic.web;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.HandlerAnswer;
import dev.geodesic.engine.database.HandlerRequest;
import dev.geodesic.engine.database.Server;
import jakarta.ejb.EJB;
import jakarta.inject.Inject;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/**
 * HTTP handlers of modules: {@code /v1/database/{name}/route...} (spec/http-api.md 6.14). A filter and no resource, because
 * every method must reach the module, and because nobody is asked who they are.
 */
public class RouteFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;
    private static final System.Logger LOG = System.getLogger(RouteFilter.class.getName());
    private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*");
    private static final Pattern AUTHORITY = Pattern.compile("[A-Za-z0-9._~-]+(:[0-9]{1,5})?|\\[[0-9A-Fa-f:.]+](:[0-9]{1,5})?");
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
    /** What a URI is made of; all else is escaped, since guests may not survive it. */
    private static final String URI_MARKS = "-._~:/?#[]@!$&'()*+,;=%";
    /** What belongs to the connection, which is not the module's. */
    private static final Set<String> OF_CONNECTION =
            Set.of("content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "trailer");
    /** What every answer has, unless the module knows better. */
    private static final Set<String> OURS = Set.of("access-control-allow-origin", "vary");
    private static final int STATUS_MIN = 200;
    private static final int STATUS_MAX = 999;

    @EJB
    private transient ServerBean bean;

    @Inject
    private transient Requests requests;

    private transient Server server;

    @Override
    public void init() {
        server = bean.server();
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Optional<DatabasePath> path = DatabasePath.of(request, "route");
        if (path.isEmpty()) {
            chain.doFilter(request, response);
        } else {
            answer(request, response, path.get());
        }
    }

    private void answer(HttpServletRequest request, HttpServletResponse response, DatabasePath path) throws IOException {
        byte[] body = request.getInputStream().readAllBytes();
        // Before anything can fail: the body is let go when the request ends.
        AsyncContext async = request.startAsync(request, response);
        // The engine has the time limit.
        async.setTimeout(0);
        CompletableFuture<HandlerAnswer> answer;
        try {
            if (body.length > server.limits().messageBytesMax()) {
                throw Bodies.tooLong();
            }
            Database database = Names.database(server, path.name());
            HandlerRequest handed = handed(request, path.below(), body);
            answer = requests.call(database.identity(), () -> database.handle(handed));
        } catch (RuntimeException e) {
            answer = CompletableFuture.failedFuture(e);
        }
        Requests.then(answer, (value, failure) -> {
            try {
                answer(response, value, failure);
            } catch (IOException e) {
                // Nobody is there to be told.
            } finally {
                async.complete();
            }
        });
    }

    private static void answer(HttpServletResponse response, HandlerAnswer answer, Throwable failure) throws IOException {
        switch (failure) {
            case null -> answer(response, answer);
            case RefusedException e -> refuse(response, e.status(), e.getMessage());
            case EngineException e -> refuse(response, status(e.code()), e.getMessage());
            default -> {
                LOG.log(System.Logger.Level.ERROR, "a request failed", failure);
                refuse(response, HttpServletResponse.SC_INTERNAL_SERVER_ERROR, "internal error");
            }
        }
    }

    private static int status(ErrorCode code) {
        return code == ErrorCode.LIMIT_EXCEEDED ? HttpServletResponse.SC_SERVICE_UNAVAILABLE : ErrorStatus.of(code);
    }

    // ---- the request ----

    private static HandlerRequest handed(HttpServletRequest request, String path, byte[] body) {
        List<HandlerAnswer.Header> headers = new ArrayList<>();
        for (String name : Collections.list(request.getHeaderNames())) {
            for (String value : Collections.list(request.getHeaders(name))) {
                headers.add(new HandlerAnswer.Header(
                        name.toLowerCase(Locale.ROOT), value.getBytes(StandardCharsets.ISO_8859_1)));
            }
        }
        return new HandlerRequest(
                request.getMethod(), path, uri(request), request.getProtocol().equals("HTTP/1.0"), headers, body);
    }

    /** As the client knows it, in front of every proxy. */
    private static String uri(HttpServletRequest request) {
        String scheme = first(request.getHeader("X-Forwarded-Proto")).orElse("http");
        String authority = first(request.getHeader("X-Forwarded-Host")).or(() -> first(request.getHeader("Host")))
                .orElse("localhost");
        if (!SCHEME.matcher(scheme).matches() || !AUTHORITY.matcher(authority).matches()) {
            throw new RefusedException(400, "Invalid URL: the host or the scheme is malformed");
        }
        String query = request.getQueryString();
        return scheme + "://" + authority + escape(request.getRequestURI() + (query == null ? "" : "?" + query));
    }

    private static Optional<String> first(String list) {
        return Optional.ofNullable(list).map(text -> text.split(",", 2)[0].strip()).filter(text -> !text.isEmpty());
    }

    private static String escape(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c < 0x80 && (Character.isLetterOrDigit(c) || URI_MARKS.indexOf(c) >= 0)) {
                out.append(c);
            } else {
                out.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
            }
        }
        return out.toString();
    }

    // ---- the answer ----

    private static void answer(HttpServletResponse response, HandlerAnswer answer) throws IOException {
        if (answer.status() < STATUS_MIN || answer.status() > STATUS_MAX) {
            refuse(response, 500, "the HTTP handler's status " + answer.status() + " is no final status");
            return;
        }
        for (HandlerAnswer.Header header : answer.headers()) {
            if (!TOKEN.matcher(header.name()).matches() || !isValue(header.value())) {
                refuse(response, 500, "the HTTP handler's response has an invalid header");
                return;
            }
        }
        response.setStatus(answer.status());
        CorsFilter.allowOrigins(response);
        Set<String> set = new HashSet<>(OURS);
        for (HandlerAnswer.Header header : answer.headers()) {
            String name = header.name().toLowerCase(Locale.ROOT);
            String value = new String(header.value(), StandardCharsets.ISO_8859_1);
            if (set.remove(name)) {
                response.setHeader(name, value);
            } else if (!OF_CONNECTION.contains(name)) {
                response.addHeader(name, value);
            }
        }
        response.setContentLength(answer.body().length);
        response.getOutputStream().write(answer.body());
    }

    private static boolean isValue(byte[] value) {
        for (byte b : value) {
            if ((b & 0xff) < ' ' && b != '\t' || b == 0x7f) {
                return false;
            }
        }
        return true;
    }

    private static void refuse(HttpServletResponse response, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        response.setStatus(status);
        CorsFilter.allowOrigins(response);
        response.setContentType(Answers.TEXT);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }
}
