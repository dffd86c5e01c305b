package dev.geodesic.sats;

/** Bytes or text that are no value of the expected type. The message follows spec/bsatn.md section 2.1. */
public final class BsatnException extends RuntimeException {

    /** What is wrong. */
    public enum Code {
        TOO_SHORT,
        BAD_TAG,
        BAD_BOOL,
        BAD_UTF8,
        TOO_DEEP,
        TOO_LARGE,
        BAD_JSON,
        UNRESOLVED_REF
    }

    private static final long serialVersionUID = 1L;

    private final Code code;

    public BsatnException(Code code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    public Code code() {
        return code;
    }
}
