package dev.geodesic.engine.egress;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.testkit.Proves;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers at 127.0.0.2 may be reached, those at 127.0.0.1 not. */
@Proves("module-abi.md 5.9")
@Timeout(60)
class HttpEgressTest {

    private static final String GOOD = "127.0.0.2";
    private static final String BAD = "127.0.0.1";
    private static final SSLSocketFactory TLS = (SSLSocketFactory) SSLSocketFactory.getDefault();
    private static final int RESPONSE_MAX = 100_000;

    private final FakeNetwork network = new FakeNetwork();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : opened.reversed()) {
            one.close();
        }
    }

    private RawServer server(String address, int port, RawServer.Answer answer) throws Exception {
        RawServer server = new RawServer(address, port, answer);
        opened.add(server);
        return server;
    }

    private HttpEgress egress(Network lookups, SSLSocketFactory tls) {
        EgressOptions options = new EgressOptions(
                EgressOptions.Mode.PUBLIC, EgressRule.parseAll(GOOD + "/32"), List.of(), RESPONSE_MAX);
        HttpEgress egress = new HttpEgress(
                options, lookups, Thread.ofPlatform().daemon().factory(), tls);
        opened.add(egress);
        return egress;
    }

    private HttpEgress egress() {
        return egress(network, TLS);
    }

    private static OutboundRequest request(String method, String uri, String body, long timeoutMillis, String... headers) {
        List<HeaderField> fields = new ArrayList<>();
        for (String header : headers) {
            int colon = header.indexOf(": ");
            fields.add(HeaderField.of(header.substring(0, colon), header.substring(colon + 2)));
        }
        return new OutboundRequest(
                method, uri, fields, body.getBytes(ISO_8859_1), Optional.of(Duration.ofMillis(timeoutMillis)), false);
    }

    private OutboundResponse send(OutboundRequest request) {
        return egress().prepare(request).execute();
    }

    private OutboundResponse get(String uri) {
        return send(request("GET", uri, "", 20_000));
    }

    private static String failure(HttpEgress egress, OutboundRequest request) {
        EngineException e = assertThrows(EngineException.class, () -> egress.prepare(request).execute());
        assertEquals(ErrorCode.HTTP_ERROR, e.code());
        return e.getMessage();
    }

    private String failure(OutboundRequest request) {
        return failure(egress(), request);
    }

    private String failure(String uri) {
        return failure(request("GET", uri, "", 20_000));
    }

    private static String header(OutboundResponse response, String name) {
        return response.headers().stream().filter(f -> f.is(name)).map(HeaderField::text).findFirst().orElseThrow();
    }

    // ---- messages ----

    @Test
    void sendsAndReceives() throws Exception {
        RawServer server = server(GOOD, 0, RawServer.text(
                "HTTP/1.1 418 Teapot\r\nX-A: 1\r\nX-A: \u00e9\u0080\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"));
        OutboundResponse response = send(request(
                "PATCH", "http://" + GOOD + ":" + server.port() + "/p%20q/?r=s#t", "body\u00ff", 20_000,
                "X-B: \u00e9\u0080", "Content-Length: 3", "Transfer-Encoding: chunked", "Host: other.test",
                "Connection: upgrade"));
        assertEquals(418, response.status());
        assertEquals("abcde", new String(response.body(), ISO_8859_1));
        assertEquals(List.of("1", "\u00e9\u0080"),
                response.headers().stream().filter(f -> f.is("x-a")).map(HeaderField::text).toList());
        assertFalse(response.http10());
        String sent = server.requests.getFirst();
        assertTrue(sent.startsWith("PATCH /p%20q/?r=s HTTP/1.1\r\n"), sent);
        assertTrue(sent.contains("\r\nHost: " + GOOD + ":" + server.port() + "\r\n"), sent);
        assertTrue(sent.contains("\r\nX-B: \u00e9\u0080\r\n"), sent);
        assertTrue(sent.contains("\r\nContent-Length: 5\r\n"), sent);
        assertTrue(sent.endsWith("\r\n\r\nbody\u00ff"), sent);
        assertFalse(sent.contains("chunked") || sent.contains("other.test") || sent.contains("upgrade"), sent);
    }

    @Test
    void ownMethodsAndHeadAndEmptyBodies() throws Exception {
        RawServer server = server(GOOD, 0, RawServer.text("HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n"));
        String uri = "http://" + GOOD + ":" + server.port();
        OutboundResponse head = send(request("HEAD", uri, "", 20_000));
        assertEquals(0, head.body().length);
        assertTrue(head.http10());
        RawServer empty = server(GOOD, 0, RawServer.text("HTTP/1.1 204 No\r\n\r\n"));
        assertEquals(204, send(request("PURGE", "http://" + GOOD + ":" + empty.port(), "", 20_000)).status());
        assertTrue(empty.requests.getFirst().startsWith("PURGE / HTTP/1.1\r\n"));
        assertFalse(empty.requests.getFirst().contains("Content-Length"));
        send(request("POST", "http://" + GOOD + ":" + empty.port(), "", 20_000));
        assertTrue(empty.requests.getLast().contains("Content-Length: 0"));
    }

    @Test
    void userInfoBecomesCredentials() throws Exception {
        RawServer server = server(GOOD, 0, RawServer.text(RawServer.ok("")));
        get("http://me:pa%40ss@" + GOOD + ":" + server.port() + "/");
        assertTrue(server.requests.getFirst().contains("\r\nauthorization: Basic bWU6cGFAc3M=\r\n"), server.requests.getFirst());
    }

    @ParameterizedTest
    @ValueSource(strings = {"X: a\rb", "X: a\nB: c", "X: \0", "X Y: z", "X\r\nY: z", ": z", "X:Y: z"})
    void headersCannotSmuggle(String header) {
        int colon = header.lastIndexOf(": ");
        OutboundRequest request = new OutboundRequest("GET", "http://" + GOOD + ":9/",
                List.of(HeaderField.of(header.substring(0, colon), header.substring(colon + 2))), new byte[0],
                Optional.empty(), false);
        assertEquals("the request has an invalid header", failure(request));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET /", "GET\r\n", "G\u00e9T"})
    void methodsAreTokens(String method) {
        assertEquals("the request's method is invalid", failure(request(method, "http://" + GOOD + ":9/", "", 1000)));
    }

    @Test
    void connectIsNotSupported() {
        assertTrue(failure(request("CONNECT", "http://" + GOOD + ":9/", "", 1000)).contains("CONNECT"));
    }

    // ---- what may be reached ----

    @ParameterizedTest
    @ValueSource(strings = {
        "http://127.0.0.1:%d/", "http://[::1]:%d/", "http://[::ffff:127.0.0.1]:%d/", "http://0.0.0.0:%d/",
        "http://user@127.0.0.1:%d", "http://2130706433:%d/", "http://127.1:%d/"})
    void refusesLiterals(String uri) throws Exception {
        RawServer server = server(BAD, 0, RawServer.text(RawServer.ok("secret")));
        EngineException e = assertThrows(EngineException.class, () -> egress(Network.SYSTEM, TLS)
                .prepare(request("GET", uri.formatted(server.port()), "", 20_000)).execute());
        assertEquals("refusing to connect to private or special-purpose addresses", e.getMessage());
        assertEquals(List.of(), server.requests);
    }

    @Test
    void refusesNamesOfPrivateAddresses() throws Exception {
        RawServer server = server(BAD, 0, RawServer.text(RawServer.ok("secret")));
        network.answer("inside.test", BAD);
        assertEquals("refusing to connect to private or special-purpose addresses",
                failure("http://inside.test:" + server.port() + "/"));
        assertEquals(List.of(), server.requests);
    }

    /** DNS rebinding: the name changes its address after it was judged. */
    @Test
    void connectsToTheAddressThatWasJudged() throws Exception {
        RawServer good = server(GOOD, 0, RawServer.text(RawServer.ok("good")));
        RawServer bad = server(BAD, good.port(), RawServer.text(RawServer.ok("secret")));
        network.answer("rebind.test", GOOD).answer("rebind.test", BAD);
        assertEquals("good", new String(get("http://rebind.test:" + good.port() + "/").body(), ISO_8859_1));
        assertEquals(List.of("rebind.test"), network.lookups);
        assertEquals(List.of(), bad.requests);
        assertTrue(good.requests.getFirst().contains("\r\nHost: rebind.test:" + good.port() + "\r\n"));
    }

    @Test
    void judgesAgainAtEachHop() throws Exception {
        RawServer good = server(GOOD, 0, RawServer.text(RawServer.redirect(302, "/again")));
        RawServer bad = server(BAD, good.port(), RawServer.text(RawServer.ok("secret")));
        network.answer("rebind.test", GOOD).answer("rebind.test", BAD);
        assertEquals("refusing to connect to private or special-purpose addresses",
                failure("http://rebind.test:" + good.port() + "/"));
        assertEquals(1, good.requests.size());
        assertEquals(List.of(), bad.requests);
    }

    @Test
    void skipsTheBadAddressesOfAName() throws Exception {
        RawServer good = server(GOOD, 0, RawServer.text(RawServer.ok("good")));
        RawServer bad = server(BAD, good.port(), RawServer.text(RawServer.ok("secret")));
        network.answer("mixed.test", BAD, "::1", GOOD, "10.0.0.1");
        assertEquals("good", new String(get("http://mixed.test:" + good.port() + "/").body(), ISO_8859_1));
        assertEquals(List.of(), bad.requests);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "http://127.0.0.1:%d/", "//127.0.0.1:%d/", "http://inside.test:%d/", "http://[::ffff:127.0.0.1]:%d/x"})
    void redirectsCannotLeadInside(String location) throws Exception {
        RawServer bad = server(BAD, 0, RawServer.text(RawServer.ok("secret")));
        RawServer good = server(GOOD, 0, RawServer.text(RawServer.redirect(307, location.formatted(bad.port()))));
        network.answer("inside.test", BAD);
        assertEquals("refusing to connect to private or special-purpose addresses",
                failure("http://" + GOOD + ":" + good.port() + "/"));
        assertEquals(List.of(), bad.requests);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "ftp://x.test/", "http://", "gopher:x"})
    void redirectsStayHttp(String location) throws Exception {
        RawServer good = server(GOOD, 0, RawServer.text(RawServer.redirect(301, location)));
        assertTrue(failure("http://" + GOOD + ":" + good.port() + "/").contains("cannot be followed"));
    }

    // ---- redirects ----

    @Test
    void followsTenRedirects() throws Exception {
        RawServer server = server(GOOD, 0, (request, client) -> {
            int n = Integer.parseInt(request.substring(5, request.indexOf('?')));
            RawServer.text(n == 0 ? RawServer.ok("end") : RawServer.redirect(302, (n - 1) + "?")).to(request, client);
        });
        String base = "http://" + GOOD + ":" + server.port() + "/";
        assertEquals("end", new String(get(base + "10?").body(), ISO_8859_1));
        assertTrue(failure(base + "11?secret").endsWith("/11 failed: more than 10 redirects"));
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void methodAndBodyAfterARedirect(int status) throws Exception {
        RawServer server = server(GOOD, 0, (request, client) -> RawServer.text(
                request.contains(" /end ") ? RawServer.ok("") : RawServer.redirect(status, "/end")).to(request, client));
        send(request("POST", "http://" + GOOD + ":" + server.port() + "/", "text", 20_000,
                "Content-Type: text/plain", "Authorization: a"));
        String last = server.requests.getLast();
        assertEquals(status >= 307, last.startsWith("POST "), last);
        assertEquals(status >= 307, last.endsWith("\r\n\r\ntext"), last);
        assertEquals(status >= 307, last.contains("text/plain"), last);
        assertTrue(last.contains("Authorization: a"), last);
    }

    @Test
    void credentialsStayWithTheirServer() throws Exception {
        RawServer other = server(GOOD, 0, RawServer.text(RawServer.ok("")));
        RawServer first = server(GOOD, 0, RawServer.text(RawServer.redirect(307, "http://" + GOOD + ":" + other.port() + "/")));
        send(request("GET", "http://" + GOOD + ":" + first.port() + "/", "", 20_000,
                "Authorization: a", "Cookie: b", "Proxy-Authorization: c", "X-Kept: d"));
        assertTrue(first.requests.getFirst().contains("Authorization: a"));
        String last = other.requests.getFirst();
        assertFalse(last.contains("Authorization") || last.contains("Cookie"), last);
        assertTrue(last.contains("X-Kept: d"), last);
    }

    @Test
    void aRedirectWithoutLocationIsTheAnswer() throws Exception {
        RawServer server = server(GOOD, 0, RawServer.text("HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n"));
        assertEquals(302, get("http://" + GOOD + ":" + server.port() + "/").status());
        RawServer notModified = server(GOOD, 0, RawServer.text("HTTP/1.1 304 x\r\nLocation: /x\r\n\r\n"));
        assertEquals("/x", header(get("http://" + GOOD + ":" + notModified.port() + "/"), "location"));
    }

    // ---- time and size ----

    private static void drip(Socket client, String piece) throws Exception {
        OutputStream out = client.getOutputStream();
        while (true) {
            out.write(piece.getBytes(ISO_8859_1));
            Thread.sleep(20);
        }
    }

    private void expectTimeout(HttpEgress egress, OutboundRequest request) {
        long start = System.nanoTime();
        String text = failure(egress, request);
        assertTrue(text.endsWith("failed: it took longer than 300 ms"), text);
        assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(10), "it took too long to stop");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"})
    void slowAnswersEndAtTheDeadline(String begin) throws Exception {
        RawServer server = server(GOOD, 0, (request, client) -> {
            client.getOutputStream().write(begin.getBytes(ISO_8859_1));
            drip(client, begin.isEmpty() ? "" : "x");
        });
        expectTimeout(egress(), request("GET", "http://" + GOOD + ":" + server.port() + "/?secret", "", 300));
    }

    @Test
    void aServerThatReadsNothingEndsAtTheDeadline() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        RawServer server = server(GOOD, 0, (request, client) -> done.await());
        expectTimeout(egress(), request("POST", "http://" + GOOD + ":" + server.port() + "/", "x".repeat(30 << 20), 300));
        done.countDown();
    }

    @Test
    void aHandshakeThatHangsEndsAtTheDeadline() throws Exception {
        try (var listener = new java.net.ServerSocket(0, 5, InetAddress.ofLiteral(GOOD))) {
            expectTimeout(egress(), request("GET", "https://" + GOOD + ":" + listener.getLocalPort() + "/", "", 300));
        }
    }

    @Test
    void aLookUpThatHangsEndsAtTheDeadline() {
        CountDownLatch done = new CountDownLatch(1);
        Network hanging = new Network() {
            @Override
            public InetAddress[] resolve(String host) throws UnknownHostException {
                try {
                    done.await();
                } catch (InterruptedException e) {
                    // As good as the other end.
                }
                throw new UnknownHostException(host);
            }

            @Override
            public boolean isOwn(InetAddress address) {
                return false;
            }
        };
        expectTimeout(egress(hanging, TLS), request("GET", "http://slow.test/", "", 300));
        done.countDown();
    }

    @Test
    void theDeadlineIsForAllHopsTogether() throws Exception {
        RawServer server = server(GOOD, 0, (request, client) -> {
            Thread.sleep(100);
            RawServer.text(RawServer.redirect(302, "/")).to(request, client);
        });
        expectTimeout(egress(), request("GET", "http://" + GOOD + ":" + server.port() + "/", "", 300));
        assertTrue(server.requests.size() <= 4, "hops: " + server.requests.size());
    }

    @Test
    void timeoutsAreClamped() {
        assertEquals(Duration.ofSeconds(30), OutboundCall.TIMEOUT_DEFAULT);
        assertEquals(Duration.ofSeconds(180), OutboundCall.clamp(Duration.ofHours(1)));
        assertEquals(Duration.ofMillis(1), OutboundCall.clamp(Duration.ofSeconds(-5)));
        assertEquals(Duration.ofSeconds(7), OutboundCall.clamp(Duration.ofSeconds(7)));
    }

    @Test
    void canBeCancelled() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        RawServer server = server(GOOD, 0, (request, client) -> {
            arrived.countDown();
            drip(client, "");
        });
        OutboundCall call = egress().prepare(request("GET", "http://" + GOOD + ":" + server.port() + "/", "", 60_000));
        CompletableFuture<OutboundResponse> running =
                CompletableFuture.supplyAsync(call::execute, r -> Thread.ofPlatform().start(r));
        assertTrue(arrived.await(20, TimeUnit.SECONDS));
        call.cancel();
        CompletionException e = assertThrows(CompletionException.class, () -> running.orTimeout(20, TimeUnit.SECONDS).join());
        assertTrue(e.getCause().getMessage().endsWith("failed: it was cancelled"), e.getCause().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"})
    void endlessBodiesEndAtTheLimit(String begin) throws Exception {
        RawServer server = server(GOOD, 0, (request, client) -> {
            OutputStream out = client.getOutputStream();
            out.write(begin.getBytes(ISO_8859_1));
            while (true) {
                out.write(new byte[8192]);
            }
        });
        assertEquals("the request to http://" + GOOD + ":" + server.port() + "/p failed: the response is longer than "
                + RESPONSE_MAX + " bytes", failure("http://" + GOOD + ":" + server.port() + "/p?secret"));
    }

    @Test
    void aBodyOfExactlyTheLimitIsRead() throws Exception {
        RawServer server = server(GOOD, 0, RawServer.text(RawServer.ok("x".repeat(RESPONSE_MAX))));
        assertEquals(RESPONSE_MAX, get("http://" + GOOD + ":" + server.port() + "/").body().length);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "A: b\r\n~X: y\r\n", "~x", "A: b\r\n~ folded\r\n", "~\r\nHTTP/1.1 100 Continue\r\n", "~A: b\r\n\r\nHTTP/1.1 103 x\r\n",
        "\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n~X: y\r\n",
        "\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;~abc",
        "\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n~1\r\nx\r\n"})
    void endlessHeadersEnd(String answer) throws Exception {
        RawServer server = server(GOOD, 0, (request, client) -> {
            OutputStream out = client.getOutputStream();
            String[] parts = answer.split("~");
            out.write(("HTTP/1.1 100 Continue\r\n" + parts[0]).getBytes(ISO_8859_1));
            byte[] many = parts[1].repeat(1000).getBytes(ISO_8859_1);
            while (true) {
                out.write(many);
            }
        });
        String text = failure(request("GET", "http://" + GOOD + ":" + server.port() + "/", "", 10_000));
        assertFalse(text.contains("took longer"), text);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "\u0000\u0001\u0002\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "", "HTTP/1.1 101 Switch\r\n\r\n"})
    void brokenAnswersAreErrors(String answer) throws Exception {
        RawServer server = server(GOOD, 0, RawServer.text(answer));
        String text = failure("http://" + GOOD + ":" + server.port() + "/?secret");
        assertFalse(text.contains("secret"), text);
    }

    @Test
    void nothingListens() throws Exception {
        int port = server(GOOD, 0, RawServer.text("")).port();
        close();
        opened.clear();
        String text = failure("http://" + GOOD + ":" + port + "/p?secret");
        assertTrue(text.startsWith("the request to http://" + GOOD + ":" + port + "/p failed: "), text);
        assertTrue(failure("http://nowhere.test/?secret").endsWith("http://nowhere.test/ failed: unknown host"));
    }

    // ---- TLS ----

    @Test
    void tlsVerifiesTheNameOfTheUri(@TempDir Path directory) throws Exception {
        Path store = directory.resolve("keys.p12");
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair", "-alias", "a", "-keyalg", "EC", "-dname", "CN=secure.test", "-ext", "san=dns:secure.test",
                "-keystore", store.toString(), "-storepass", "password", "-storetype", "PKCS12")
                .redirectErrorStream(true).start();
        String output = new String(keytool.getInputStream().readAllBytes(), ISO_8859_1);
        assertEquals(0, keytool.waitFor(), output);
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, "password".toCharArray());
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(keys, "password".toCharArray());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(keys);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
        List<String> names = new ArrayList<>();
        RawServer server = new RawServer(context.getServerSocketFactory(), GOOD, 0, (request, client) -> {
            ExtendedSSLSession session = (ExtendedSSLSession) ((SSLSocket) client).getSession();
            session.getRequestedServerNames().forEach(n -> names.add(n.toString()));
            RawServer.text(RawServer.ok("encrypted")).to(request, client);
        });
        opened.add(server);
        network.answer("secure.test", GOOD).answer("other.test", GOOD);
        HttpEgress egress = egress(network, context.getSocketFactory());
        String path = ":" + server.port() + "/p?secret";
        OutboundResponse response = egress.prepare(request("GET", "https://secure.test" + path, "", 20_000)).execute();
        assertArrayEquals("encrypted".getBytes(ISO_8859_1), response.body());
        assertTrue(names.toString().contains("secure.test"), names.toString());
        for (String host : List.of("other.test", GOOD)) {
            String text = failure(egress, request("GET", "https://" + host + path, "", 20_000));
            assertTrue(text.startsWith("the request to https://" + host), text);
            assertFalse(text.contains("secret"), text);
        }
        // A certificate that nobody has signed.
        network.answer("secure.test", GOOD);
        String text = failure(request("GET", "https://secure.test" + path, "", 20_000));
        assertTrue(text.contains("PKIX") || text.contains("certi"), text);
        assertEquals(1, server.requests.size());
    }
}
