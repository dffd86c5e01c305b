package dev.geodesic.engine.egress;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.security.GeneralSecurityException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;

/** Sends the HTTP requests of modules. Any thread; one for the whole server. */
public final class HttpEgress implements AutoCloseable {

    /** Name look-ups cannot be stopped, so those that hang may not become many. */
    private static final int LOOKUPS_MAX = 64;
    private static final long IDLE_SECONDS = 30;

    private final EgressOptions options;
    private final EgressPolicy policy;
    private final Network network;
    private final SSLSocketFactory tls;
    private final ThreadPoolExecutor lookups;
    private final ScheduledThreadPoolExecutor deadlines;

    /** @param threads makes threads for name look-ups and deadlines */
    public HttpEgress(EgressOptions options, Network network, ThreadFactory threads) {
        this(options, network, threads, SystemTrust.SOCKETS);
    }

    HttpEgress(EgressOptions options, Network network, ThreadFactory threads, SSLSocketFactory tls) {
        this.options = options;
        this.policy = new EgressPolicy(options, network);
        this.network = network;
        this.tls = tls;
        this.lookups = new ThreadPoolExecutor(
                0, LOOKUPS_MAX, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), threads);
        this.deadlines = new ScheduledThreadPoolExecutor(1, threads);
        deadlines.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
        deadlines.allowCoreThreadTimeOut(true);
        deadlines.setRemoveOnCancelPolicy(true);
    }

    /** Java's own certificates, whatever an application server has made the default of; read once. */
    private static final class SystemTrust {

        private static final SSLSocketFactory SOCKETS = sockets();

        private static SSLSocketFactory sockets() {
            try {
                SSLContext context = SSLContext.getInstance("TLS");
                context.init(null, null, null);
                return context.getSocketFactory();
            } catch (GeneralSecurityException e) {
                throw new EngineException(ErrorCode.INTERNAL, "TLS is not available", e);
            }
        }
    }

    /** Prepares a request; nothing happens before {@link OutboundCall#execute}. */
    public OutboundCall prepare(OutboundRequest request) {
        return new OutboundCall(this, request);
    }

    EgressOptions options() {
        return options;
    }

    EgressPolicy policy() {
        return policy;
    }

    Network network() {
        return network;
    }

    SSLSocketFactory tls() {
        return tls;
    }

    ThreadPoolExecutor lookups() {
        return lookups;
    }

    ScheduledThreadPoolExecutor deadlines() {
        return deadlines;
    }

    /** Forgets its threads; calls that run go on without a deadline, so cancel them first. */
    @Override
    public void close() {
        lookups.shutdownNow();
        deadlines.shutdownNow();
    }
}
