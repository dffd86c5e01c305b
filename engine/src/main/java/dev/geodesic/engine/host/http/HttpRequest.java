package dev.geodesic.engine.host.http;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * A request without its body.
 *
 * @param timeoutMicros how long the sender waits for the last byte of the answer; may be negative
 * @param uri absolute, with query
 */
public record HttpRequest(
        HttpMethod method, List<HttpHeader> headers, OptionalLong timeoutMicros, String uri, HttpVersion version) {

    /** Encoded form. */
    public static final int BYTES_MAX = 1 << 20;

    public HttpRequest {
        Objects.requireNonNull(method, "method");
        headers = List.copyOf(headers);
        Objects.requireNonNull(timeoutMicros, "timeoutMicros");
        Objects.requireNonNull(uri, "uri");
        Objects.requireNonNull(version, "version");
    }

    /** Errors: {@link BsatnException}. */
    public static HttpRequest decode(byte[] bytes) {
        BsatnReader in = new BsatnReader(bytes);
        HttpRequest request = new HttpRequest(
                HttpMethod.read(in), HttpHeader.readAll(in), readTimeout(in), in.readString(), HttpVersion.read(in));
        HttpHeader.end(in);
        return request;
    }

    private static OptionalLong readTimeout(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case 0 -> OptionalLong.of(in.readU64());
            case 1 -> OptionalLong.empty();
            default -> throw new BsatnException(
                    BsatnException.Code.BAD_TAG, "unknown tag 0x" + Integer.toHexString(tag) + " for an option");
        };
    }

    /** BSATN. */
    public byte[] encode() {
        BsatnWriter out = new BsatnWriter();
        method.write(out);
        HttpHeader.writeAll(headers, out);
        out.writeU8(timeoutMicros.isPresent() ? 0 : 1);
        timeoutMicros.ifPresent(out::writeU64);
        out.writeString(uri);
        out.writeU8(version.ordinal());
        return out.toByteArray();
    }
}
