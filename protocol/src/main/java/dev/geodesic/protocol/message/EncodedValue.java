package dev.geodesic.protocol.message;

/**
 * A value that some recipients get as BSATN and others as JSON text: echoed arguments, a procedure's result. Each form
 * is asked for only when a recipient needs it, possibly often and by several threads at once, so an implementation that
 * converts keeps the outcome.
 */
public interface EncodedValue {

    /** No arguments: no bytes, {@code []}. */
    EncodedValue EMPTY = of(new byte[0], "[]");

    byte[] bsatn();

    String json();

    static EncodedValue of(byte[] bsatn, String json) {
        return new Both(bsatn, json);
    }

    /** Only the BSATN form is known; asking for the other one is an error. */
    static EncodedValue ofBsatn(byte[] bsatn) {
        return new BsatnOnly(bsatn);
    }

    /** Only the JSON form is known; asking for the other one is an error. */
    static EncodedValue ofJson(String json) {
        return new JsonOnly(json);
    }

    /** See {@link #of}. */
    record Both(byte[] bsatn, String json) implements EncodedValue {
    }

    /** See {@link #ofBsatn}. */
    record BsatnOnly(byte[] bsatn) implements EncodedValue {
        @Override
        public String json() {
            throw new IllegalStateException("the value has no JSON form");
        }
    }

    /** See {@link #ofJson}. */
    record JsonOnly(String json) implements EncodedValue {
        @Override
        public byte[] bsatn() {
            throw new IllegalStateException("the value has no BSATN form");
        }
    }
}
