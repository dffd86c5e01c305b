package dev.geodesic.protocol.message;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;

/**
 * Remembers encoded forms of one immutable thing. Each form is computed at most once, by the first thread that asks; others
 * that ask for it meanwhile wait, because encoding twice would cost them more.
 */
public abstract sealed class Encodings<T> permits Fragment, ServerMessage.Shared {

    private final AtomicReferenceArray<byte[]> encoded = new AtomicReferenceArray<>(Form.COUNT);

    abstract T source();

    /**
     * The encoded form, computed by {@code encode} if nobody did before; {@code encode} must give the same for equal forms.
     * Not to be changed. For codecs.
     */
    public final byte[] bytes(Form form, Function<? super T, byte[]> encode) {
        byte[] known = encoded.getAcquire(form.ordinal());
        if (known != null) {
            return known;
        }
        synchronized (this) {
            known = encoded.getPlain(form.ordinal());
            if (known == null) {
                known = encode.apply(source());
                encoded.setRelease(form.ordinal(), known);
            }
            return known;
        }
    }
}
