package dev.geodesic.engine.host.http;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;

/** A version of the protocol; the ordinal is the tag of the sum. */
public enum HttpVersion {
    HTTP_0_9,
    HTTP_1_0,
    HTTP_1_1,
    HTTP_2,
    HTTP_3;

    static HttpVersion read(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case 0 -> HTTP_0_9;
            case 1 -> HTTP_1_0;
            case 2 -> HTTP_1_1;
            case 3 -> HTTP_2;
            case 4 -> HTTP_3;
            default -> throw new BsatnException(
                    BsatnException.Code.BAD_TAG, "unknown tag 0x" + Integer.toHexString(tag) + " for an HTTP version");
        };
    }
}
