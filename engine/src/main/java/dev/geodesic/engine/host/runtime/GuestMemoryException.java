package dev.geodesic.engine.host.runtime;

/** A guest passed a pointer that the host must not follow. Without stack trace. */
public final class GuestMemoryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public GuestMemoryException(String message) {
        super(message, null, false, false);
    }
}
