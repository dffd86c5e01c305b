package dev.geodesic.web.ws;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.protocol.ConnectParams;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.web.CorsFilter;
import dev.geodesic.web.Credentials;
import dev.geodesic.web.DatabasePath;
import dev.geodesic.web.ErrorStatus;
import dev.geodesic.web.TokenFilter;
import dev.geodesic.web.ws.frame.OpeningHandshake;
import jakarta.ejb.EJB;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.annotation.WebFilter;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Collections;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The handshake of {@code GET /v1/database/{name}/subscribe} (spec/websocket.md section 1): everything that can be refused is
 * refused here, with a status and a text, before the connection becomes a WebSocket.
 */
@WebFilter(
        urlPatterns = "/v1/*", asyncSupported = true, dispatcherTypes = {DispatcherType.REQUEST, DispatcherType.ASYNC})
public class SubscribeFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;
    private static final int UPGRADE_REQUIRED = 426;

    @EJB
    private transient ServerBean bean;

    private transient Server server;
    private transient ExecutorService senders;
    private transient Heartbeat heartbeat;
    private transient Transport transport;
    private transient SecureRandom random;

    /** A refused handshake. */
    private static final class RefusedException extends Exception {

        private static final long serialVersionUID = 1L;

        private final int status;

        RefusedException(int status, String text) {
            super(text, null, false, false);
            this.status = status;
        }
    }

    @Override
    public void init() {
        server = bean.server();
        senders = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("geodesic-session-", 0).factory());
        heartbeat = new Heartbeat();
        transport = switch (bean.config().transport()) {
            case UPGRADE -> new UpgradeTransport();
            case JAKARTA -> new JakartaTransport();
        };
        random = new SecureRandom();
    }

    @Override
    public void destroy() {
        // Before the threads go that send the last answers; the beans may be told later.
        server.drain();
        heartbeat.close();
        senders.shutdownNow();
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Optional<DatabasePath> path = DatabasePath.of(request, "subscribe").filter(found -> found.below().isEmpty());
        if (path.isEmpty()) {
            chain.doFilter(request, response);
            return;
        }
        CorsFilter.allowOrigins(response);
        try {
            upgrade(request, response, path.get().name());
        } catch (RefusedException e) {
            refuse(response, e.status, e.getMessage());
        } catch (EngineException e) {
            if (e.code() == ErrorCode.BUSY) {
                response.setHeader("Retry-After", "1");
            }
            refuse(response, ErrorStatus.of(e.code()), e.getMessage());
        }
    }

    private static void refuse(HttpServletResponse response, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        response.setStatus(status);
        if (status == UPGRADE_REQUIRED) {
            response.setHeader("Connection", "upgrade");
            response.setHeader("Upgrade", "websocket");
        }
        if (status == HttpServletResponse.SC_METHOD_NOT_ALLOWED) {
            response.setHeader("Allow", "GET,HEAD");
        }
        if (body.length > 0) {
            response.setContentType("text/plain; charset=utf-8");
        }
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private void upgrade(HttpServletRequest request, HttpServletResponse response, String name)
            throws RefusedException, IOException, ServletException {
        if (!request.getMethod().equals("GET")) {
            throw new RefusedException(HttpServletResponse.SC_METHOD_NOT_ALLOWED, "");
        }
        ConnectParams params;
        try {
            params = ConnectParams.parse(Optional.ofNullable(request.getQueryString()).orElse(""));
        } catch (ConnectParams.InvalidException e) {
            throw new RefusedException(HttpServletResponse.SC_BAD_REQUEST, e.getMessage());
        }
        Credentials credentials = TokenFilter.credentials(request::getAttribute)
                .orElseGet(() -> Credentials.anonymous(server.tokens()));
        response.setHeader("spacetime-identity", credentials.claims().identity().toHex());
        response.setHeader("spacetime-identity-token", credentials.token());
        if (!"websocket".equalsIgnoreCase(request.getHeader("Upgrade")) || !hasToken(request, "Connection", "upgrade")) {
            throw new RefusedException(UPGRADE_REQUIRED, "This service requires use of the websocket protocol");
        }
        if (!"13".equals(request.getHeader("Sec-WebSocket-Version"))) {
            throw new RefusedException(
                    HttpServletResponse.SC_BAD_REQUEST, "`Sec-WebSocket-Version` header did not include '13'");
        }
        String key = request.getHeader("Sec-WebSocket-Key");
        if (key == null) {
            throw new RefusedException(HttpServletResponse.SC_BAD_REQUEST, "`Sec-WebSocket-Key` header missing");
        }
        if (!OpeningHandshake.isKey(key)) {
            throw new RefusedException(
                    HttpServletResponse.SC_BAD_REQUEST, "`Sec-WebSocket-Key` header is not 16 bytes in base 64");
        }
        Subprotocol subprotocol = Subprotocol.negotiate(Collections.list(request.getHeaders("Sec-WebSocket-Protocol")))
                .orElseThrow(() -> new RefusedException(HttpServletResponse.SC_BAD_REQUEST, Subprotocol.NOT_SELECTED));
        if (heartbeat.connections() >= server.limits().connectionsMax()) {
            throw new EngineException(ErrorCode.BUSY, "the server has as many connections as it may (limit connections-max, "
                    + "setting geodesic.limits.connections=" + server.limits().connectionsMax() + ")");
        }
        Database database = server.database(server.resolve(name));
        ConnectionId connection = params.connectionId().orElseGet(this::randomConnection);
        Handshake handshake = new Handshake(
                database,
                new ClientInfo(credentials.claims().identity(), connection, credentials.claims().payload()),
                credentials.token(),
                subprotocol,
                params,
                compression(params),
                senders,
                heartbeat);
        transport.accept(request, response, handshake);
    }

    private static boolean hasToken(HttpServletRequest request, String header, String token) {
        return Collections.list(request.getHeaders(header)).stream()
                .flatMap(line -> Arrays.stream(line.split(","))).anyMatch(one -> one.strip().equalsIgnoreCase(token));
    }

    /**
     * Published TypeScript clients, the ones that ask for gzip, handle messages in the order in which they are decompressed: a
     * small plain one overtakes a large one (spec/client-expectations.md 4.4). A cache must be right before it is fast.
     */
    private Compression compression(ConnectParams params) {
        return params.compression() == Compression.GZIP && !bean.config().gzip() ? Compression.NONE : params.compression();
    }

    private ConnectionId randomConnection() {
        long low = random.nextLong();
        return new ConnectionId(low == 0 ? 1 : low, random.nextLong());
    }
}
