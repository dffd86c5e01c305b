package dev.geodesic.pgwire;

import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.SSLContext;

/**
 * How the endpoint works.
 *
 * @param address where it listens; port 0 takes a free one
 * @param tls what clients that ask for TLS get; without, they are told that there is none
 * @param tlsRequired whether clients without TLS are turned away
 * @param connectionsMax connections at the same time
 * @param retainedBytesMax bytes of results and parameters that all connections together may hold
 */
public record PgOptions(
        InetSocketAddress address,
        Optional<SSLContext> tls,
        boolean tlsRequired,
        int connectionsMax,
        long retainedBytesMax,
        Times times) {

    public PgOptions {
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(tls, "tls");
        Objects.requireNonNull(times, "times");
        if (tlsRequired && tls.isEmpty()) {
            throw new IllegalArgumentException("TLS is required, but there is no key for it");
        }
    }

    /**
     * How long a client may take, in milliseconds; a client that takes longer is cut off.
     *
     * @param loginMillis from the connection to the end of the login
     * @param frameMillis for a message that has begun, and one millisecond more for every 16 bytes of it
     * @param writeMillis for 32 KiB of an answer
     * @param idleMillis between statements
     */
    public record Times(long loginMillis, long frameMillis, long writeMillis, long idleMillis) {

        public static final Times DEFAULTS = new Times(20_000, 30_000, 60_000, 3_600_000);
    }
}
