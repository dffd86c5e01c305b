package dev.geodesic.engine.base;

import java.util.Objects;

/**
 * An error with its code: bad input, a limit, or a failing disk. The message is what a caller may read. Exceptions
 * without a cause carry no stack trace, because bad input must be cheap to refuse.
 */
public final class EngineException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final StringBuilder facts = new StringBuilder();

    public EngineException(ErrorCode code, String message) {
        super(message, null, false, code == ErrorCode.INTERNAL);
        this.code = Objects.requireNonNull(code, "code");
    }

    public EngineException(ErrorCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = Objects.requireNonNull(code, "code");
    }

    /** Adds a fact for the log, printed as {@code name=value} behind the message by {@link #describe()}. */
    public EngineException with(String name, Object value) {
        facts.append(' ').append(name).append('=').append(value);
        return this;
    }

    public ErrorCode code() {
        return code;
    }

    /** Code, message and facts on one line. */
    public String describe() {
        return code + ": " + getMessage() + facts;
    }
}
