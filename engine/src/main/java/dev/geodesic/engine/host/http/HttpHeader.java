package dev.geodesic.engine.host.http;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A header field; a name may come several times.
 *
 * @param value its bytes, not necessarily text; nobody changes them
 */
public record HttpHeader(String name, byte[] value) {

    /** Fields of one message. */
    static final int COUNT_MAX = 1_000;
    private static final int BYTES_MIN = 2 * Integer.BYTES;

    public HttpHeader {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(value, "value");
    }

    static List<HttpHeader> readAll(BsatnReader in) {
        int count = in.readCount(BYTES_MIN);
        if (count > COUNT_MAX) {
            throw new BsatnException(
                    BsatnException.Code.TOO_LARGE, count + " HTTP headers are more than " + COUNT_MAX);
        }
        List<HttpHeader> headers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            headers.add(new HttpHeader(in.readString(), in.readBytes()));
        }
        return headers;
    }

    static void writeAll(List<HttpHeader> headers, BsatnWriter out) {
        out.writeU32(headers.size());
        for (HttpHeader header : headers) {
            out.writeString(header.name);
            out.writeBytes(header.value);
        }
    }

    /** Refuses bytes behind the value. */
    static void end(BsatnReader in) {
        if (in.remaining() > 0) {
            throw new BsatnException(BsatnException.Code.TRAILING_BYTES, in.remaining() + " bytes behind the value");
        }
    }
}
