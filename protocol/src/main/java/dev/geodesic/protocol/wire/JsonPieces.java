package dev.geodesic.protocol.wire;

import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.RowList;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** JSON that messages of {@code v1.json} consist of (spec/websocket.md sections 3 and 4). */
public final class JsonPieces {

    private JsonPieces() {
    }

    public static void option(JsonWriter out, OptionalInt value) {
        out.beginObject();
        if (value.isPresent()) {
            out.key("some").number(Integer.toUnsignedLong(value.getAsInt()));
        } else {
            out.key("none").beginArray().endArray();
        }
        out.endObject();
    }

    public static void option(JsonWriter out, Optional<String> value) {
        out.beginObject();
        if (value.isPresent()) {
            out.key("some").string(value.get());
        } else {
            out.key("none").beginArray().endArray();
        }
        out.endObject();
    }

    /** Hex digits without leading zeros, as every 256-bit number. */
    public static void identity(JsonWriter out, Identity identity) {
        String hex = identity.toHex();
        int first = 0;
        while (first < hex.length() - 1 && hex.charAt(first) == '0') {
            first++;
        }
        out.beginObject().key("__identity__").string("0x" + hex.substring(first)).endObject();
    }

    /** A decimal number. */
    public static void connectionId(JsonWriter out, ConnectionId id) {
        String decimal = new BigInteger(1, HexFormat.of().parseHex(id.toHex())).toString();
        out.beginObject().key("__connection_id__").raw(decimal).endObject();
    }

    public static void timestamp(JsonWriter out, long micros) {
        out.beginObject().key("__timestamp_micros_since_unix_epoch__").number(micros).endObject();
    }

    public static void duration(JsonWriter out, long micros) {
        out.beginObject().key("__time_duration_micros__").number(micros).endObject();
    }

    public static void querySetId(JsonWriter out, int id) {
        out.beginObject().key("id").number(Integer.toUnsignedLong(id)).endObject();
    }

    /** An array of strings, each the JSON text of one row. */
    public static void rows(JsonWriter out, RowList rows, RowJson rowJson) {
        out.beginArray();
        if (!rows.isEmpty()) {
            JsonWriter text = new JsonWriter(256, ProtocolLimits.JSON_BYTES_MAX);
            for (int i = 0; i < rows.count(); i++) {
                text.clear();
                rowJson.append(rows.data(), rows.rowOffset(i), rows.rowLength(i), text);
                out.string(text.buffer(), 0, text.length());
            }
        }
        out.endArray();
    }

    public static void queryUpdate(JsonWriter out, Fragment fragment) {
        out.beginObject();
        out.key("deletes");
        rows(out, fragment.deletes(), fragment.rowJson());
        out.key("inserts");
        rows(out, fragment.inserts(), fragment.rowJson());
        out.endObject();
    }

    /** What {@link #rows} wrote: rows that are texts in UTF-8, for {@link RowJson#VERBATIM}. */
    public static RowList readRows(JsonReader in) {
        RowList.Builder rows = new RowList.Builder();
        List<String> texts = in.array(JsonReader::readString);
        texts.forEach(text -> rows.add(text.getBytes(StandardCharsets.UTF_8)));
        return rows.build();
    }
}
