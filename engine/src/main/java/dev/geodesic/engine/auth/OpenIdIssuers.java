package dev.geodesic.engine.auth;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.egress.EgressOptions;
import dev.geodesic.engine.egress.EgressRule;
import dev.geodesic.engine.egress.HeaderField;
import dev.geodesic.engine.egress.HttpEgress;
import dev.geodesic.engine.egress.OutboundCall;
import dev.geodesic.engine.egress.OutboundRequest;
import dev.geodesic.engine.egress.OutboundResponse;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Keys of other issuers, by OpenID Connect discovery (spec/http-api.md 3.4). Thread-safe; no method blocks: documents are
 * fetched on virtual threads.
 *
 * <p>Whoever sends a token chooses the issuer. So only issuers that the operator named may be at private addresses or without
 * TLS; documents are small and come in time or not at all; few are fetched at once; and neither issuers that fail nor very many
 * of them cost more than a bounded memory.
 */
final class OpenIdIssuers implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(OpenIdIssuers.class.getName());
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int DOCUMENT_BYTES_MAX = 256 << 10;
    /** Seconds after which keys are fetched again, beside their use; after twice that, before it. */
    private static final long FRESH_SECONDS = 300;
    /** Seconds after which keys that cannot be fetched again are forgotten. */
    private static final long KEPT_SECONDS = 7200;
    /** An issuer that failed, or whose keys changed, is not asked again for so long. */
    private static final long FAILED_SECONDS = 10;
    private static final long EARLY_SECONDS = 30;
    /* Of issuers that the operator did not name. */
    private static final int REMEMBERED_MAX = 1_000;
    private static final int FETCHES_MAX = 32;
    private static final int FETCHES_OF_HOST_MAX = 4;
    /** Tokens that wait for one issuer. */
    private static final int WAITING_MAX = 1_000;

    private final IssuerOptions options;
    private final LongSupplier seconds;
    private final Map<String, HttpEgress> egresses;
    private final HttpEgress publicEgress;
    private final Set<OutboundCall> calls = ConcurrentHashMap.newKeySet();
    /* Guarded by this. */
    private final Map<String, Issuer> issuers = new LinkedHashMap<>(16, 0.75f, true);
    private final Map<String, Integer> fetchesOfHosts = new HashMap<>();
    private int fetches;
    private boolean closed;

    /** What is known of an issuer; guarded by the outer object. */
    private static final class Issuer {

        private final String url;
        private final boolean isNamed;
        /** With its port. */
        private final String host;
        /** Null until they have been fetched once, and after they have been dropped. */
        private IssuerKeys keys;
        private long fetchedAt;
        private long retryAt = Long.MIN_VALUE;
        /** Null while nothing is fetched. */
        private CompletableFuture<IssuerKeys> fetch;
        private int waiting;

        Issuer(String url, boolean isNamed, String host) {
            this.url = url;
            this.isNamed = isNamed;
            this.host = host;
        }
    }

    /**
     * @param egress makes a way out with limits of its own
     * @param seconds of a clock that nobody sets
     */
    OpenIdIssuers(IssuerOptions options, Function<EgressOptions, HttpEgress> egress, LongSupplier seconds) {
        this.options = options;
        this.seconds = seconds;
        this.publicEgress = egress.apply(egress(options, List.of()));
        this.egresses = new HashMap<>();
        // What one issuer may be reached by is of no use to another one's documents.
        options.named().keySet().forEach(url -> egresses.put(
                url, egress.apply(egress(options, IssuerOptions.address(url).stream().map(EgressRule::parse).toList()))));
    }

    private static EgressOptions egress(IssuerOptions options, List<EgressRule> allow) {
        return new EgressOptions(EgressOptions.Mode.PUBLIC, allow, options.deny(), DOCUMENT_BYTES_MAX);
    }

    private static EngineException busy() {
        return new EngineException(
                ErrorCode.BUSY, "The keys of too many issuers of tokens are being fetched; try again later");
    }

    private long now() {
        return seconds.getAsLong();
    }

    /**
     * Keys of an issuer, which may be some minutes old.
     *
     * @return fails with INVALID_TOKEN if the issuer is not accepted or has no keys, BUSY if others are before it
     */
    synchronized CompletableFuture<IssuerKeys> keys(String url) {
        Issuer issuer = issuers.get(url);
        if (issuer == null) {
            boolean isNamed = options.named().containsKey(url);
            Optional<String> host = IssuerOptions.address(url);
            if (host.isEmpty() || !isNamed && !(options.anyone() && url.startsWith("https://"))) {
                return CompletableFuture.failedFuture(TokenClaims.invalid("InvalidIssuer"));
            }
            issuer = new Issuer(url, isNamed, host.get());
        }
        if (issuer.keys != null && now() - issuer.fetchedAt >= KEPT_SECONDS) {
            issuer.keys = null;
        }
        if (issuer.keys == null) {
            return begin(issuer) ? waitFor(issuer)
                    : CompletableFuture.failedFuture(now() < issuer.retryAt ? failed(issuer) : busy());
        }
        IssuerKeys known = issuer.keys;
        long age = now() - issuer.fetchedAt;
        return age >= FRESH_SECONDS && begin(issuer) && age >= 2 * FRESH_SECONDS
                ? waitFor(issuer).exceptionally(e -> known) : CompletableFuture.completedFuture(known);
    }

    private static EngineException failed(Issuer issuer) {
        return TokenClaims.invalid("the keys of its issuer " + issuer.url + " are not available");
    }

    /** Keys that are newer than the given ones; the given ones if the issuer was asked only just now. */
    synchronized CompletableFuture<IssuerKeys> newer(String url, IssuerKeys than) {
        Issuer issuer = issuers.get(url);
        if (issuer == null || issuer.keys != than) {
            return keys(url);
        }
        return now() - issuer.fetchedAt >= EARLY_SECONDS && begin(issuer)
                ? waitFor(issuer).exceptionally(e -> than) : CompletableFuture.completedFuture(than);
    }

    /** Whether these are the keys of an issuer, and fresh enough not to be asked for again. */
    synchronized boolean isCurrent(String url, IssuerKeys keys) {
        Issuer issuer = issuers.get(url);
        return issuer != null && issuer.keys == keys && now() - issuer.fetchedAt < FRESH_SECONDS;
    }

    private CompletableFuture<IssuerKeys> waitFor(Issuer issuer) {
        if (issuer.waiting == WAITING_MAX) {
            return CompletableFuture.failedFuture(busy());
        }
        issuer.waiting++;
        return issuer.fetch.copy();
    }

    // ---- fetching ----

    /** Begins to fetch keys, unless somebody does already. Returns false if that may not be done now. */
    private boolean begin(Issuer issuer) {
        if (issuer.fetch != null) {
            return true;
        }
        if (closed || now() < issuer.retryAt
                || !issuer.isNamed && (fetches == FETCHES_MAX
                        || fetchesOfHosts.getOrDefault(issuer.host, 0) == FETCHES_OF_HOST_MAX)) {
            return false;
        }
        if (!issuer.isNamed) {
            fetches++;
            fetchesOfHosts.merge(issuer.host, 1, Integer::sum);
        }
        issuer.fetch = new CompletableFuture<>();
        issuers.put(issuer.url, issuer);
        forget();
        Thread.ofVirtual().name("geodesic-issuer").start(() -> fetch(issuer));
        return true;
    }

    /** Those without keys go first, then those that nobody has asked for longest. */
    private void forget() {
        if (issuers.size() <= REMEMBERED_MAX + options.named().size()) {
            return;
        }
        for (boolean keysToo : new boolean[] {false, true}) {
            for (Iterator<Issuer> all = issuers.values().iterator(); all.hasNext();) {
                Issuer one = all.next();
                if (!one.isNamed && one.fetch == null && (keysToo || one.keys == null)) {
                    all.remove();
                    return;
                }
            }
        }
    }

    private void fetch(Issuer issuer) {
        IssuerKeys keys = null;
        try {
            keys = discover(issuer);
        } catch (RuntimeException | StackOverflowError e) {
            // Strangers can make others fail; the operator's own are worth a warning.
            LOG.log(issuer.isNamed ? System.Logger.Level.WARNING : System.Logger.Level.DEBUG,
                    "the keys of the issuer " + issuer.url + " could not be fetched: " + e.getMessage());
        }
        CompletableFuture<IssuerKeys> waiting;
        synchronized (this) {
            if (keys == null) {
                issuer.retryAt = now() + FAILED_SECONDS;
            } else {
                issuer.keys = keys;
                issuer.fetchedAt = now();
            }
            waiting = issuer.fetch;
            issuer.fetch = null;
            issuer.waiting = 0;
            if (!issuer.isNamed) {
                fetches--;
                fetchesOfHosts.computeIfPresent(issuer.host, (host, count) -> count == 1 ? null : count - 1);
            }
        }
        if (keys == null) {
            waiting.completeExceptionally(failed(issuer));
        } else {
            waiting.complete(keys);
        }
    }

    private IssuerKeys discover(Issuer issuer) {
        String base = issuer.url.endsWith("/") ? issuer.url.substring(0, issuer.url.length() - 1) : issuer.url;
        if (!(Json.parse(get(issuer, base + "/.well-known/openid-configuration")) instanceof JsonValue.JsonObject document)) {
            throw new IllegalArgumentException("its configuration is no JSON object");
        }
        if (!text(document, "issuer").equals(issuer.url)) {
            throw new IllegalArgumentException("its configuration is that of another issuer");
        }
        return IssuerKeys.parse(get(issuer, text(document, "jwks_uri")));
    }

    private static String text(JsonValue.JsonObject document, String name) {
        if (document.get(name).orElse(null) instanceof JsonValue.JsonString text) {
            return text.value();
        }
        throw new IllegalArgumentException("its configuration has no " + name);
    }

    private byte[] get(Issuer issuer, String uri) {
        if (!uri.startsWith("https://") && !(issuer.isNamed && issuer.url.startsWith("http://"))) {
            throw new IllegalArgumentException("its keys are not at an https URL");
        }
        OutboundCall call = egresses.getOrDefault(issuer.url, publicEgress).prepare(new OutboundRequest(
                "GET", uri, List.of(HeaderField.of("accept", "application/json")), new byte[0], Optional.of(TIMEOUT), false));
        calls.add(call);
        try {
            if (isClosed()) {
                throw new IllegalStateException("the server is stopping");
            }
            // A redirect would lead away from the URL that names the issuer.
            OutboundResponse response = call.executeHere();
            if (response.status() != 200) {
                throw new IllegalArgumentException("it answered with status " + response.status());
            }
            return response.body();
        } finally {
            calls.remove(call);
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** Whoever waits for keys gets none. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        calls.forEach(OutboundCall::cancel);
        publicEgress.close();
        egresses.values().forEach(HttpEgress::close);
    }
}
