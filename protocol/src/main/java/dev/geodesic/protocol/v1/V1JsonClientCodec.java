package dev.geodesic.protocol.v1;

import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ClientMessage.CallProcedure;
import dev.geodesic.protocol.message.ClientMessage.CallReducer;
import dev.geodesic.protocol.message.ClientMessage.OneOffQuery;
import dev.geodesic.protocol.message.ClientMessage.Subscribe;
import dev.geodesic.protocol.message.ClientMessage.SubscribeBatch;
import dev.geodesic.protocol.message.ClientMessage.Unsubscribe;
import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.wire.JsonPieces;
import dev.geodesic.protocol.wire.JsonReader;
import dev.geodesic.sats.JsonWriter;
import java.util.List;

/** Client messages of v1 in JSON (spec/websocket.md 5.1). Every field is required, unknown ones are errors. */
public final class V1JsonClientCodec {

    private static final String VARIANTS = "`CallReducer`, `Subscribe`, `OneOffQuery`, `SubscribeSingle`, `SubscribeMulti`, "
            + "`Unsubscribe`, `UnsubscribeMulti`, `CallProcedure`";

    private V1JsonClientCodec() {
    }

    /** @throws ProtocolException if the text is no message */
    public static ClientMessage read(String text) {
        JsonReader in = new JsonReader(text);
        ClientMessage message = in.variant(name -> switch (name) {
            case "CallReducer" -> readCall(in, "reducer");
            case "CallProcedure" -> readCall(in, "procedure");
            case "OneOffQuery" -> readOneOffQuery(in);
            case "Subscribe" -> readSubscribe(in, SubscriptionKind.LEGACY, "query_strings", "request_id");
            case "SubscribeSingle" -> readSubscribe(in, SubscriptionKind.SINGLE, "query", "request_id", "query_id");
            case "SubscribeMulti" -> readSubscribe(in, SubscriptionKind.MULTI, "query_strings", "request_id", "query_id");
            case "Unsubscribe" -> readUnsubscribe(in, SubscriptionKind.SINGLE);
            case "UnsubscribeMulti" -> readUnsubscribe(in, SubscriptionKind.MULTI);
            default -> throw in.error("unknown variant `" + name + "`, expected one of " + VARIANTS);
        });
        in.end();
        return message;
    }

    private static ClientMessage readCall(JsonReader in, String nameField) {
        String name = "";
        String arguments = "";
        int requestId = 0;
        int flags = 0;
        JsonReader.Fields fields = in.fields(nameField, "args", "request_id", "flags");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> name = in.readString();
                case 1 -> arguments = in.readString();
                case 2 -> requestId = in.readU32();
                default -> flags = in.readU8();
            }
        }
        if (nameField.equals("reducer")) {
            return new CallReducer(name, new Arguments.Json(arguments), requestId, V1ClientCodec.notifySuccess(flags));
        }
        V1ClientCodec.checkProcedureFlags(flags);
        return new CallProcedure(name, new Arguments.Json(arguments), requestId);
    }

    private static OneOffQuery readOneOffQuery(JsonReader in) {
        byte[] messageId = {};
        String query = "";
        JsonReader.Fields fields = in.fields("message_id", "query_string");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> messageId = in.readBytes();
                default -> query = in.readString();
            }
        }
        return new OneOffQuery(0, messageId, query);
    }

    private static Subscribe readSubscribe(JsonReader in, SubscriptionKind kind, String... names) {
        List<String> queries = List.of();
        int requestId = 0;
        int querySetId = 0;
        JsonReader.Fields fields = in.fields(names);
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> queries = kind == SubscriptionKind.SINGLE ? List.of(in.readString()) : in.queries();
                case 1 -> requestId = in.readU32();
                default -> querySetId = in.readQuerySetId();
            }
        }
        return new Subscribe(kind, requestId, querySetId, queries);
    }

    private static Unsubscribe readUnsubscribe(JsonReader in, SubscriptionKind kind) {
        int requestId = 0;
        int querySetId = 0;
        JsonReader.Fields fields = in.fields("request_id", "query_id");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> requestId = in.readU32();
                default -> querySetId = in.readQuerySetId();
            }
        }
        return new Unsubscribe(kind, requestId, querySetId, true);
    }

    /** @throws IllegalArgumentException if v1 has no such message */
    public static void write(JsonWriter out, ClientMessage message) {
        out.beginObject();
        switch (message) {
            case CallReducer m ->
                writeCall(out, "CallReducer", "reducer", m.reducer(), m.arguments(), m.requestId(), V1ClientCodec.flags(m));
            case CallProcedure m ->
                writeCall(out, "CallProcedure", "procedure", m.procedure(), m.arguments(), m.requestId(), 0);
            case OneOffQuery m -> {
                out.key("OneOffQuery").beginObject();
                out.key("message_id").hexString(m.messageId(), 0, m.messageId().length);
                out.key("query_string").string(m.query());
                out.endObject();
            }
            case Subscribe m -> writeSubscribe(out, m);
            case SubscribeBatch m -> throw V1ClientCodec.notV1(SubscriptionKind.SET);
            case Unsubscribe m -> {
                out.key(V1ClientCodec.isSingle(m) ? "Unsubscribe" : "UnsubscribeMulti").beginObject();
                writeIds(out, m.requestId(), m.querySetId());
                out.endObject();
            }
        }
        out.endObject();
    }

    private static void writeCall(
            JsonWriter out, String variant, String nameField, String name, Arguments arguments, int requestId, int flags) {
        if (!(arguments instanceof Arguments.Json json)) {
            throw new IllegalArgumentException("BSATN arguments in a JSON message");
        }
        out.key(variant).beginObject();
        out.key(nameField).string(name);
        out.key("args").string(json.text());
        out.key("request_id").number(Integer.toUnsignedLong(requestId));
        out.key("flags").number(flags);
        out.endObject();
    }

    private static void writeSubscribe(JsonWriter out, Subscribe m) {
        switch (m.kind()) {
            case LEGACY -> {
                out.key("Subscribe").beginObject();
                writeQueries(out, m);
                out.key("request_id").number(Integer.toUnsignedLong(m.requestId()));
            }
            case SINGLE -> {
                out.key("SubscribeSingle").beginObject();
                out.key("query").string(V1ClientCodec.onlyQuery(m));
                writeIds(out, m.requestId(), m.querySetId());
            }
            case MULTI -> {
                out.key("SubscribeMulti").beginObject();
                writeQueries(out, m);
                writeIds(out, m.requestId(), m.querySetId());
            }
            case SET -> throw V1ClientCodec.notV1(m.kind());
        }
        out.endObject();
    }

    private static void writeQueries(JsonWriter out, Subscribe m) {
        out.key("query_strings").beginArray();
        m.queries().forEach(out::string);
        out.endArray();
    }

    private static void writeIds(JsonWriter out, int requestId, int querySetId) {
        out.key("request_id").number(Integer.toUnsignedLong(requestId));
        out.key("query_id");
        JsonPieces.querySetId(out, querySetId);
    }
}
