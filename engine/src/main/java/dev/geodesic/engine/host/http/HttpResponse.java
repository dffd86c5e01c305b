package dev.geodesic.engine.host.http;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.util.List;
import java.util.Objects;

/**
 * A response without its body.
 *
 * @param code status, any u16
 */
public record HttpResponse(List<HttpHeader> headers, HttpVersion version, int code) {

    public HttpResponse {
        headers = List.copyOf(headers);
        Objects.requireNonNull(version, "version");
    }

    /** Errors: {@link BsatnException}. */
    public static HttpResponse decode(byte[] bytes) {
        BsatnReader in = new BsatnReader(bytes);
        HttpResponse response = new HttpResponse(HttpHeader.readAll(in), HttpVersion.read(in), in.readU16());
        HttpHeader.end(in);
        return response;
    }

    /** BSATN. */
    public byte[] encode() {
        BsatnWriter out = new BsatnWriter();
        HttpHeader.writeAll(headers, out);
        out.writeU8(version.ordinal());
        out.writeU16(code);
        return out.toByteArray();
    }
}
