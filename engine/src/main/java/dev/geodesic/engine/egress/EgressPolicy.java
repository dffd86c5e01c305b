package dev.geodesic.engine.egress;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Which destinations modules may reach. Any thread. */
final class EgressPolicy {

    static final String REFUSED = "refusing to connect to private or special-purpose addresses";
    static final String DISABLED = "module outbound HTTP requests are disabled";
    static final String NOT_ALLOWED = "the server's operator does not allow requests to this destination";

    private final EgressOptions options;
    private final Network network;

    EgressPolicy(EgressOptions options, Network network) {
        this.options = options;
        this.network = network;
    }

    /** Errors: HTTP_ERROR if nothing may be reached. */
    void checkEnabled() {
        if (options.mode() == EgressOptions.Mode.OFF) {
            throw refused(DISABLED);
        }
    }

    /**
     * Those of a host's addresses that may be connected to, in their order; at least one.
     *
     * @param host as in the URI
     * @throws EngineException HTTP_ERROR if there is none
     */
    List<InetAddress> permitted(String host, InetAddress[] addresses, int port) {
        checkEnabled();
        String name = host.toLowerCase(Locale.ROOT);
        String plain = name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
        List<InetAddress> notDenied = Arrays.stream(addresses)
                .filter(address -> options.deny().stream().noneMatch(rule -> rule.matches(plain, address, port)))
                .toList();
        if (notDenied.isEmpty()) {
            throw refused(NOT_ALLOWED);
        }
        List<InetAddress> permitted = notDenied.stream().filter(address -> permits(plain, address, port)).toList();
        if (permitted.isEmpty()) {
            throw refused(options.mode() == EgressOptions.Mode.LISTED ? NOT_ALLOWED : REFUSED);
        }
        return permitted;
    }

    private boolean permits(String host, InetAddress address, int port) {
        return options.allow().stream().anyMatch(rule -> rule.matches(host, address, port))
                || options.mode() == EgressOptions.Mode.PUBLIC
                        && !SpecialAddresses.contains(address) && !network.isOwn(address);
    }

    private static EngineException refused(String text) {
        return new EngineException(ErrorCode.HTTP_ERROR, text);
    }
}
