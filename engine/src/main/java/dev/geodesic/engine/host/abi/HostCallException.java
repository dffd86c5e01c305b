package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.ErrorCode;

/** A host function refused to go on and the guest was unwound: a trap. Without stack trace. */
public final class HostCallException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    HostCallException(String call, ErrorCode code, String message) {
        super("runtime error calling " + call + ": " + message, null, false, false);
        this.code = code;
    }

    /** LIMIT_EXCEEDED and the like; GUEST_TRAP if the guest used the function wrongly. */
    public ErrorCode code() {
        return code;
    }
}
