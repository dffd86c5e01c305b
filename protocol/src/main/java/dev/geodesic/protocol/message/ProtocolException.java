package dev.geodesic.protocol.message;

/** A message that breaks the protocol. The connection is to be closed with {@link #closeReason()}. */
public final class ProtocolException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient CloseReason closeReason;

    public ProtocolException(CloseReason closeReason) {
        super(closeReason.reason(), null, false, false);
        this.closeReason = closeReason;
    }

    /** Closes with 1011, the code for every undecodable message. */
    public ProtocolException(String message) {
        this(CloseReason.error(message));
    }

    public CloseReason closeReason() {
        return closeReason;
    }
}
