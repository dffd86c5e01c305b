package dev.geodesic.engine.host.http;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.util.List;
import java.util.Objects;

/**
 * A method.
 *
 * @param name as in a request line: {@code GET}
 */
public record HttpMethod(String name) {

    /** By tag of the sum; the tag behind them is followed by a name. */
    private static final List<String> KNOWN =
            List.of("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH");

    public HttpMethod {
        Objects.requireNonNull(name, "name");
    }

    static HttpMethod read(BsatnReader in) {
        int tag = in.readU8();
        if (tag > KNOWN.size()) {
            throw new BsatnException(
                    BsatnException.Code.BAD_TAG, "unknown tag 0x" + Integer.toHexString(tag) + " for an HTTP method");
        }
        return new HttpMethod(tag < KNOWN.size() ? KNOWN.get(tag) : in.readString());
    }

    void write(BsatnWriter out) {
        int tag = KNOWN.indexOf(name);
        out.writeU8(tag < 0 ? KNOWN.size() : tag);
        if (tag < 0) {
            out.writeString(name);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
