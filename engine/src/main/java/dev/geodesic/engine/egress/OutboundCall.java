package dev.geodesic.engine.egress;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultBHttpClientConnection;
import org.apache.hc.core5.http.impl.io.DefaultHttpResponseParserFactory;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;
import org.apache.hc.core5.http.message.MessageSupport;
import org.apache.hc.core5.io.CloseMode;

/**
 * One request with its redirects. {@link #execute} once, on a thread that may wait; {@link #cancel} on any.
 *
 * <p>Whatever the request waits for, its end (the deadline, or a cancellation) closes the socket under it.
 */
public final class OutboundCall {

    public static final Duration TIMEOUT_DEFAULT = Duration.ofSeconds(30);
    public static final Duration TIMEOUT_MAX = Duration.ofSeconds(180);
    private static final int REDIRECTS_MAX = 10;
    private static final int INFORMATIONAL_MAX = 10;
    private static final int HEADERS_MAX = 256;
    private static final int HEADER_LINE_MAX = 32 << 10;
    private static final int CHUNK = 16 << 10;
    private static final long LOOKUP_POLL_MILLIS = 20;

    private static final Http1Config GRAMMAR = Http1Config.custom()
            .setMaxHeaderCount(HEADERS_MAX).setMaxLineLength(HEADER_LINE_MAX).setMaxEmptyLineCount(2).build();
    private static final Set<String> CREDENTIALS =
            Set.of("authorization", "cookie", "cookie2", "proxy-authorization", "www-authenticate");
    private static final Set<String> OF_BODY =
            Set.of("content-type", "content-encoding", "content-language", "content-location");

    private final HttpEgress egress;
    private final OutboundRequest request;
    private final Duration timeout;
    /* What the next hop sends. */
    private String method;
    private List<HeaderField> headers;
    private byte[] body;
    /* Guarded by this. */
    private Socket socket;
    private String ended;
    private long deadlineNanos;

    OutboundCall(HttpEgress egress, OutboundRequest request) {
        this.egress = egress;
        this.request = request;
        this.timeout = clamp(request.timeout().orElse(TIMEOUT_DEFAULT));
    }

    static Duration clamp(Duration asked) {
        Duration least = Duration.ofMillis(1);
        return asked.compareTo(TIMEOUT_MAX) > 0 ? TIMEOUT_MAX : asked.compareTo(least) < 0 ? least : asked;
    }

    /**
     * Sends the request and reads the whole answer, whatever its status.
     *
     * @throws EngineException HTTP_ERROR with a text for the module, which holds no query string
     */
    public OutboundResponse execute() {
        return execute(this::follow);
    }

    /** As {@link #execute}, but a redirect is an answer like any other. */
    public OutboundResponse executeHere() {
        return execute(this::hop);
    }

    private OutboundResponse execute(Function<HttpUri, OutboundResponse> how) {
        egress.policy().checkEnabled();
        method = request.method();
        body = request.body();
        headers = request.headers().stream().filter(field -> !field.isOfConnection()).toList();
        HttpUri uri = checked(request.uri());
        uri.userInfo().ifPresent(this::authorize);
        deadlineNanos = System.nanoTime() + timeout.toNanos();
        ScheduledFuture<?> deadline;
        try {
            deadline = egress.deadlines().schedule(
                    () -> end("it took longer than " + timeout.toMillis() + " ms"), timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            throw failed(uri, "the server is stopping");
        }
        try {
            return how.apply(uri);
        } finally {
            deadline.cancel(false);
            end("it is over");
        }
    }

    /** Makes {@link #execute} fail soon. */
    public void cancel() {
        end("it was cancelled");
    }

    private void end(String reason) {
        Socket open;
        synchronized (this) {
            if (ended != null) {
                return;
            }
            ended = reason;
            open = socket;
        }
        if (open != null) {
            close(open);
        }
    }

    private static void close(Socket open) {
        try {
            open.close();
        } catch (IOException e) {
            // Nothing is left to do for it.
        }
    }

    // ---- the request ----

    private HttpUri checked(String text) {
        if (method.isEmpty() || !method.chars().allMatch(HeaderField::isTokenChar)) {
            throw error("the request's method is invalid");
        }
        if (method.equals("CONNECT")) {
            throw error("requests with the method CONNECT are not supported");
        }
        if (headers.size() > HEADERS_MAX) {
            throw error("the request has more than " + HEADERS_MAX + " headers");
        }
        for (HeaderField field : headers) {
            if (!field.isValid()) {
                throw error("the request has an invalid header");
            }
        }
        try {
            return HttpUri.parse(text);
        } catch (IllegalArgumentException e) {
            throw error(e.getMessage());
        }
    }

    private void authorize(String userInfo) {
        if (headers.stream().noneMatch(field -> field.is("authorization"))) {
            String decoded = HttpUri.unescape(userInfo);
            headers = new ArrayList<>(headers);
            headers.add(HeaderField.of("authorization", "Basic " + Base64.getEncoder().encodeToString(
                    (decoded.indexOf(':') < 0 ? decoded + ":" : decoded).getBytes(StandardCharsets.ISO_8859_1))));
        }
    }

    private static EngineException error(String text) {
        return new EngineException(ErrorCode.HTTP_ERROR, text);
    }

    private static EngineException failed(HttpUri uri, String why) {
        return error("the request to " + uri.shown() + " failed: " + why);
    }

    // ---- hops ----

    private OutboundResponse follow(HttpUri first) {
        HttpUri uri = first;
        for (int redirects = 0; ; redirects++) {
            OutboundResponse response = hop(uri);
            Optional<HttpUri> next = redirect(uri, response);
            if (next.isEmpty()) {
                return response;
            }
            if (redirects == REDIRECTS_MAX) {
                throw failed(first, "more than " + REDIRECTS_MAX + " redirects");
            }
            prepareHop(uri, next.get(), response.status());
            uri = next.get();
        }
    }

    private static Optional<HttpUri> redirect(HttpUri from, OutboundResponse response) {
        return switch (response.status()) {
            case 301, 302, 303, 307, 308 -> {
                Optional<HeaderField> location = response.headers().stream().filter(field -> field.is("location")).findFirst();
                if (location.isEmpty()) {
                    yield Optional.empty();
                }
                try {
                    yield Optional.of(from.resolve(new String(location.get().value(), StandardCharsets.UTF_8)));
                } catch (IllegalArgumentException e) {
                    throw failed(from, "its redirect cannot be followed: " + e.getMessage());
                }
            }
            default -> Optional.empty();
        };
    }

    private void prepareHop(HttpUri from, HttpUri to, int status) {
        boolean plain = method.equals("GET") || method.equals("HEAD");
        if (!plain && status <= 303) {
            method = "GET";
            body = new byte[0];
            headers = without(OF_BODY);
        }
        if (!from.sameServer(to)) {
            headers = without(CREDENTIALS);
        }
    }

    private List<HeaderField> without(Set<String> names) {
        return headers.stream().filter(field -> names.stream().noneMatch(field::is)).toList();
    }

    private OutboundResponse hop(HttpUri uri) {
        List<InetAddress> addresses = egress.policy().permitted(uri.host(), lookUp(uri), uri.port());
        Socket plain = connect(uri, addresses);
        try (DefaultBHttpClientConnection connection = new DefaultBHttpClientConnection(
                GRAMMAR, StandardCharsets.ISO_8859_1.newDecoder(), StandardCharsets.ISO_8859_1.newEncoder(), null, null, null,
                new DefaultHttpResponseParserFactory(GRAMMAR))) {
            try {
                if (uri.secure()) {
                    connection.bind(handshake(uri, plain), plain);
                } else {
                    connection.bind(plain);
                }
                return exchange(message(uri), connection);
            } finally {
                // The connection's own close says good-bye, for which nobody has time.
                connection.close(CloseMode.IMMEDIATE);
            }
        } catch (IOException | HttpException e) {
            throw failed(uri, reason(e));
        } finally {
            close(plain);
        }
    }

    /** What ended the call comes first: a closed socket only follows from it. */
    private synchronized String reason(Exception e) {
        if (ended != null) {
            return ended;
        }
        return switch (e) {
            case CharacterCodingException c -> "the response is malformed";
            case HttpException h -> "the response is malformed: " + h.getMessage();
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
    }

    private InetAddress[] lookUp(HttpUri uri) {
        Future<InetAddress[]> lookup;
        try {
            lookup = egress.lookups().submit(() -> egress.network().resolve(uri.host()));
        } catch (RejectedExecutionException e) {
            throw failed(uri, "too many name look-ups at once");
        }
        try {
            while (true) {
                synchronized (this) {
                    if (ended != null) {
                        throw failed(uri, ended);
                    }
                }
                try {
                    return lookup.get(LOOKUP_POLL_MILLIS, TimeUnit.MILLISECONDS);
                } catch (TimeoutException e) {
                    // Looks whether the call has ended.
                }
            }
        } catch (ExecutionException e) {
            throw failed(uri, e.getCause() instanceof UnknownHostException ? "unknown host" : "its name cannot be looked up");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(uri, "it was cancelled");
        } finally {
            lookup.cancel(true);
        }
    }

    /** To the first address that answers; the time that is left is shared among those not tried yet. */
    private Socket connect(HttpUri uri, List<InetAddress> addresses) {
        IOException last = null;
        for (int i = 0; i < addresses.size(); i++) {
            // Not through a proxy of the process: it would look the name up again.
            Socket next = new Socket(Proxy.NO_PROXY);
            long millisLeft = (deadlineNanos - System.nanoTime()) / 1_000_000;
            try {
                synchronized (this) {
                    if (ended != null) {
                        throw failed(uri, ended);
                    }
                    socket = next;
                }
                next.setTcpNoDelay(true);
                next.connect(new InetSocketAddress(addresses.get(i), uri.port()),
                        (int) Math.max(1, millisLeft / (addresses.size() - i)));
                return next;
            } catch (IOException e) {
                close(next);
                last = e;
            }
        }
        throw failed(uri, reason(last));
    }

    private SSLSocket handshake(HttpUri uri, Socket plain) throws IOException {
        String name = uri.host().endsWith(".") ? uri.host().substring(0, uri.host().length() - 1) : uri.host();
        SSLSocket secure = (SSLSocket) egress.tls().createSocket(plain, name, uri.port(), true);
        SSLParameters parameters = secure.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        try {
            parameters.setServerNames(uri.isLiteral() ? List.of() : List.of(new SNIHostName(name)));
        } catch (IllegalArgumentException e) {
            parameters.setServerNames(List.of());
        }
        secure.setSSLParameters(parameters);
        secure.startHandshake();
        return secure;
    }

    private BasicClassicHttpRequest message(HttpUri uri) {
        BasicClassicHttpRequest message = new BasicClassicHttpRequest(method, uri.path() + uri.query());
        message.setVersion(request.http10() ? HttpVersion.HTTP_1_0 : HttpVersion.HTTP_1_1);
        message.addHeader("Host", uri.authority());
        message.addHeader("Connection", "close");
        headers.forEach(field -> message.addHeader(field.name(), field.text()));
        if (headers.stream().noneMatch(field -> field.is("accept"))) {
            message.addHeader("Accept", "*/*");
        }
        boolean usuallyHasBody = method.equals("POST") || method.equals("PUT") || method.equals("PATCH");
        if (body.length > 0 || usuallyHasBody) {
            message.addHeader("Content-Length", Integer.toString(body.length));
            message.setEntity(new ByteArrayEntity(body, null));
        }
        return message;
    }

    private OutboundResponse exchange(BasicClassicHttpRequest message, DefaultBHttpClientConnection connection)
            throws IOException, HttpException {
        connection.sendRequestHeader(message);
        if (message.getEntity() != null) {
            connection.sendRequestEntity(message);
        }
        connection.flush();
        ClassicHttpResponse response = connection.receiveResponseHeader();
        for (int i = 0; response.getCode() < 200; i++) {
            if (i == INFORMATIONAL_MAX || response.getCode() == 101) {
                throw new IOException("the response is malformed: no final status");
            }
            response = connection.receiveResponseHeader();
        }
        if (MessageSupport.canResponseHaveBody(method, response)) {
            connection.receiveResponseEntity(response);
        }
        return received(response);
    }

    private OutboundResponse received(ClassicHttpResponse response) throws IOException {
        List<HeaderField> fields = new ArrayList<>();
        for (Header header : response.getHeaders()) {
            fields.add(HeaderField.of(header.getName(), header.getValue() == null ? "" : header.getValue()));
        }
        boolean http10 = response.getVersion() != null && response.getVersion().lessEquals(HttpVersion.HTTP_1_0);
        return new OutboundResponse(response.getCode(), fields, read(response.getEntity()), http10);
    }

    private byte[] read(HttpEntity entity) throws IOException {
        if (entity == null) {
            return new byte[0];
        }
        int max = egress.options().responseBytesMax();
        ByteArrayOutputStream bytes =
                new ByteArrayOutputStream(Math.clamp(entity.getContentLength(), 0, Math.min(max, 1 << 20)));
        byte[] chunk = new byte[CHUNK];
        InputStream in = entity.getContent();
        int count;
        while ((count = in.read(chunk)) >= 0) {
            if (count > max - bytes.size()) {
                throw new IOException("the response is longer than " + max + " bytes");
            }
            bytes.write(chunk, 0, count);
        }
        return bytes.toByteArray();
    }
}
