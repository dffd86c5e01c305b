package dev.geodesic.web;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.SqlAnswer;
import jakarta.ejb.EJB;
import jakarta.inject.Inject;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.regex.Pattern;

/**
 * The two routes that applications use all the time, {@code call} and {@code sql}, without what else a request costs: one
 * virtual thread takes in the body, waits for the engine and sends the answer. The work is that of {@link CallResource} and
 * {@link SqlResource}, which get every request that is not plain: another body than a short one of known length, a path with
 * escapes, parameters, headers that JAX-RS has something to say about. What is public of them is so because the container's
 * proxies call other methods by reflection.
 */
public class FastPathFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;
    private static final int BODY_BYTES_MAX = 16 << 10;
    private static final String DATABASE = "/v1/database/";
    private static final String CALL = "call/";
    private static final Pattern TEXT_TYPE =
            Pattern.compile("(text/plain|application/json|application/octet-stream)(; ?charset=[A-Za-z0-9-]+)?");
    private static final String QUALITY = "(; ?q=[01](\\.[0-9]{1,3})?)?";
    private static final Pattern MEDIA_RANGES = list("(\\*|[A-Za-z0-9.+-]+)/(\\*|[A-Za-z0-9.+-]+)" + QUALITY);
    private static final Pattern LANGUAGES = list("(\\*|[A-Za-z]{2,3}(-[A-Za-z]{2,4})?)" + QUALITY);

    @EJB
    private transient ServerBean bean;

    @Inject
    private transient Uploads uploads;

    @Inject
    private transient CallResource calls;

    @Inject
    private transient SqlResource statements;

    private transient Server server;
    private transient ThreadFactory threads;
    private transient Set<Thread> receiving;

    private sealed interface Route {

        String database();

        record Call(String database, String function) implements Route {
        }

        record Sql(String database, boolean confirmed) implements Route {
        }
    }

    private static Pattern list(String element) {
        return Pattern.compile(element + "(, ?" + element + "){0,15}");
    }

    @Override
    public void init() {
        server = bean.server();
        threads = Thread.ofVirtual().name("geodesic-fast-", 0).factory();
        receiving = ConcurrentHashMap.newKeySet();
    }

    /** Bodies that have not come will not; what the engine works on is answered. */
    @Override
    public void destroy() {
        receiving.forEach(Thread::interrupt);
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Optional<Route> route = route(request);
        if (route.isEmpty()) {
            chain.doFilter(request, response);
            return;
        }
        ServletInputStream in = request.getInputStream();
        AsyncContext async = request.startAsync(request, response);
        // Uploads and the engine have the time limits.
        async.setTimeout(0);
        threads.newThread(() -> serve(async, request, response, in, route.get())).start();
    }

    // ---- which requests ----

    private static Optional<Route> route(HttpServletRequest request) {
        String path = request.getRequestURI();
        if (!path.startsWith(DATABASE) || !request.getMethod().equals("POST") || !isPlain(request)) {
            return Optional.empty();
        }
        int slash = path.indexOf('/', DATABASE.length());
        if (slash < 0 || !isPlain(path, DATABASE.length(), slash)) {
            return Optional.empty();
        }
        String database = path.substring(DATABASE.length(), slash);
        String query = request.getQueryString();
        String type = request.getContentType();
        if (path.startsWith(CALL, slash + 1)) {
            int function = slash + 1 + CALL.length();
            return query == null && Answers.JSON.equals(type) && isPlain(path, function, path.length())
                    ? Optional.of(new Route.Call(database, path.substring(function))) : Optional.empty();
        }
        boolean isSql = path.regionMatches(slash, "/sql", 0, Math.max(4, path.length() - slash))
                && (type == null || TEXT_TYPE.matcher(type).matches());
        return !isSql ? Optional.empty() : switch (query) {
            case null -> Optional.of(new Route.Sql(database, true));
            case "confirmed=true" -> Optional.of(new Route.Sql(database, true));
            case "confirmed=false" -> Optional.of(new Route.Sql(database, false));
            default -> Optional.empty();
        };
    }

    private static boolean isPlain(HttpServletRequest request) {
        long length = request.getContentLengthLong();
        return length > 0 && length <= BODY_BYTES_MAX
                && request.getHeader("Transfer-Encoding") == null
                && request.getHeader("Content-Encoding") == null
                && isPlain(request.getHeader("Accept"), "*/*", MEDIA_RANGES)
                && isPlain(request.getHeader("Accept-Language"), "*", LANGUAGES);
    }

    private static boolean isPlain(String header, String usual, Pattern form) {
        return header == null || header.equals(usual) || form.matcher(header).matches();
    }

    /** Whether a segment of a path stands for itself: no escapes, no parameters, no dots alone. */
    private static boolean isPlain(String path, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = path.charAt(i);
            boolean isWord = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_';
            if (!isWord && (i == from || c != '-' && c != '.')) {
                return false;
            }
        }
        return from < to;
    }

    // ---- the answer ----

    private void serve(
            AsyncContext async, HttpServletRequest request, HttpServletResponse response, ServletInputStream in, Route route) {
        try {
            TokenFilter.await(request);
            try (Uploads.Upload body = receive(request, in)) {
                answer(request, response, body, route);
            } catch (RefusedException e) {
                BodyFilter.refuse(response, e);
            }
        } catch (IOException e) {
            // Nobody is there to be told.
        } finally {
            async.complete();
        }
    }

    private Uploads.Upload receive(HttpServletRequest request, ServletInputStream in) {
        Thread thread = Thread.currentThread();
        receiving.add(thread);
        try {
            return uploads.read(in, request.getContentLength());
        } finally {
            receiving.remove(thread);
            // An interrupted thread that writes would close the connection.
            Thread.interrupted();
        }
    }

    private void answer(HttpServletRequest request, HttpServletResponse response, Uploads.Upload body, Route route)
            throws IOException {
        CorsFilter.allowOrigins(response);
        try {
            Credentials caller = TokenFilter.credentials(request::getAttribute)
                    .orElseGet(() -> Credentials.anonymous(server.tokens()));
            CallerFilter.tellIdentity(response, caller);
            Database database = Names.database(server, route.database());
            String text = Bodies.text(body.bytes());
            switch (route) {
                case Route.Call call -> calls.answer(database, call.function(), text, caller).join().send(response);
                case Route.Sql sql -> {
                    SqlAnswer answer = statements.run(database, caller.client(), text, sql.confirmed()).join();
                    statements.send(answer, response);
                }
            }
        } catch (RuntimeException | Error e) {
            Answer refusal = ErrorMapper.answer(Requests.reason(e));
            // Rows that are under way already break off: that is no JSON, and the client sees it.
            if (!response.isCommitted()) {
                response.resetBuffer();
                refusal.send(response);
            }
        }
    }
}
