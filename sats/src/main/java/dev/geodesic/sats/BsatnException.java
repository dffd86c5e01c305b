package dev.geodesic.sats;

/** Bytes or text that are no value of the expected type. The message follows spec/bsatn.md section 2.1. */
public final class BsatnException extends RuntimeException {

    /** What is wrong. */
    public enum Code {
        TOO_SHORT,
        TRAILING_BYTES,
        BAD_TAG,
        BAD_BOOL,
        BAD_UTF8,
        TOO_DEEP,
        TOO_LARGE,
        BAD_ROW_LIST,
        BAD_JSON,
        UNRESOLVED_REF
    }

    private static final long serialVersionUID = 1L;

    private final Code code;
    /** Not part of the message. */
    private String path = "";

    public BsatnException(Code code, String message) {
        super(message, null, false, false);
        this.code = code;
    }

    public Code code() {
        return code;
    }

    /** Where in a JSON value it was found, like {@code [0].color}; empty for the value itself, for bad text and for BSATN. */
    public String path() {
        return path;
    }

    /** The same seen from one level further out. */
    BsatnException within(String step) {
        path = step + path;
        return this;
    }

    static BsatnException badTag(int tag, String sumName) {
        String text = "unknown tag 0x" + Integer.toHexString(tag) + " for sum type";
        return new BsatnException(Code.BAD_TAG, sumName.isEmpty() ? text : text + " " + sumName);
    }

    static BsatnException badJson(String message) {
        return new BsatnException(Code.BAD_JSON, message);
    }
}
