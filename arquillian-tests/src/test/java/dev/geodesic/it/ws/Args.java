package dev.geodesic.it.ws;

import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import java.util.List;

/**
 * Arguments of a call in both forms: Integer is u32, Long u64, Byte u8; Boolean, String and Identity what they say; a List
 * is empty.
 */
final class Args {

    private Args() {
    }

    static Arguments of(boolean json, Object... values) {
        return json ? new Arguments.Json(json(values)) : new Arguments.Bsatn(bsatn(values));
    }

    static String json(Object... values) {
        JsonWriter out = new JsonWriter().beginArray();
        for (Object value : values) {
            switch (value) {
                case Boolean v -> out.bool(v);
                case String v -> out.string(v);
                case Identity v -> out.beginArray().string("0x" + v.toHex()).endArray();
                case List<?> v when v.isEmpty() -> out.beginArray().endArray();
                case Number v -> out.number(v.longValue());
                default -> throw new IllegalArgumentException(value.toString());
            }
        }
        return out.endArray().toString();
    }

    static byte[] bsatn(Object... values) {
        BsatnWriter out = new BsatnWriter();
        for (Object value : values) {
            switch (value) {
                case Boolean v -> out.writeBool(v);
                case String v -> out.writeString(v);
                case Identity v -> out.writeIdentity(v);
                case Byte v -> out.writeU8(v);
                case Integer v -> out.writeU32(v);
                case Long v -> out.writeU64(v);
                case List<?> v when v.isEmpty() -> out.writeU32(0);
                default -> throw new IllegalArgumentException(value.toString());
            }
        }
        return out.toByteArray();
    }
}
