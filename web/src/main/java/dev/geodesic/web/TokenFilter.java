package dev.geodesic.web;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import jakarta.ejb.EJB;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Verifies the token of a request (spec/http-api.md 3.1), before every other filter: {@code web.xml} says so. If the keys of
 * another issuer must be fetched for that, {@link BodyFilter} waits for them as it does for a body.
 */
public class TokenFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;
    private static final String ATTRIBUTE = TokenFilter.class.getName();
    private static final String SCHEME = "Bearer ";
    private static final Pattern NEW_IDENTITY = Pattern.compile("/v1/identity/?");

    @EJB
    private transient ServerBean bean;

    private transient TokenAuthority tokens;

    /** What a request shows; fails with INVALID_TOKEN, BUSY, or INVALID_ARGUMENTS if it is no token at all. */
    private record Presented(CompletableFuture<Optional<Credentials>> credentials) {
    }

    @Override
    public void init() {
        tokens = bean.server().tokens();
    }

    /**
     * Who makes a request, if it has a token.
     *
     * @param attribute value of a request's attribute by name
     * @throws EngineException INVALID_TOKEN, BUSY, or INVALID_ARGUMENTS if the header or the query string is malformed
     */
    public static Optional<Credentials> credentials(Function<String, Object> attribute) {
        if (!(attribute.apply(ATTRIBUTE) instanceof Presented presented)) {
            throw new IllegalStateException("the token of a request was not looked at");
        }
        try {
            return presented.credentials().join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof EngineException reason ? reason : e;
        }
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request.getAttribute(ATTRIBUTE) == null) {
            request.setAttribute(ATTRIBUTE, new Presented(present(request)));
        }
        chain.doFilter(request, response);
    }

    /** Whether the keys of an issuer have still to come. */
    static boolean isWaiting(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof Presented presented && !presented.credentials().isDone();
    }

    /** Waits until it is known whether the token is good; fetching keys has a time limit. */
    static void await(HttpServletRequest request) {
        if (request.getAttribute(ATTRIBUTE) instanceof Presented presented) {
            presented.credentials().exceptionally(reason -> Optional.empty()).join();
        }
    }

    private CompletableFuture<Optional<Credentials>> present(HttpServletRequest request) {
        Optional<String> token;
        try {
            token = isAsked(request) ? token(request) : Optional.empty();
        } catch (EngineException e) {
            return CompletableFuture.failedFuture(e);
        }
        return token.map(text -> tokens.verify(text).thenApply(claims -> Optional.of(new Credentials(text, claims))))
                .orElseGet(() -> CompletableFuture.completedFuture(Optional.empty()));
    }

    /** Handlers of modules are for everybody, and a stale token must not keep anybody from getting a new one. */
    private static boolean isAsked(HttpServletRequest request) {
        return !request.getMethod().equals("OPTIONS")
                && DatabasePath.of(request, "route").isEmpty()
                && !(request.getMethod().equals("POST") && NEW_IDENTITY.matcher(request.getRequestURI()).matches());
    }

    /** The header wins over the query parameter, unless it is what the application server logged somebody in with. */
    private static Optional<String> token(HttpServletRequest request) {
        String header = request.getHeader("Authorization");
        boolean isBearer = header != null && header.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        if (isBearer || header != null && request.getUserPrincipal() == null) {
            if (!isBearer) {
                throw new EngineException(ErrorCode.INVALID_ARGUMENTS, "Authorization is invalid: malformed token");
            }
            return Optional.of(header.substring(SCHEME.length()).strip());
        }
        String query = request.getQueryString();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            if (pair.startsWith("token=")) {
                try {
                    return Optional.of(URLDecoder.decode(pair.substring("token=".length()), StandardCharsets.UTF_8));
                } catch (IllegalArgumentException e) {
                    throw new EngineException(
                            ErrorCode.INVALID_ARGUMENTS, "Failed to deserialize query string: malformed percent-encoding");
                }
            }
        }
        return Optional.empty();
    }
}
