package dev.geodesic.it.ws;

/** Which of the two transports the server uses (docs/operating.md, {@code geodesic.websocket.transport}). */
final class Carrier {

    /** The container's own WebSockets, which cannot do all that the specification says. */
    static final boolean IS_JAKARTA = "jakarta".equals(System.getenv("GEODESIC_WEBSOCKET_TRANSPORT"));

    private Carrier() {
    }

    /** The end of a connection that the server just drops. */
    static String dropped(String closeOfJakarta) {
        return IS_JAKARTA ? closeOfJakarta : "dropped";
    }
}
