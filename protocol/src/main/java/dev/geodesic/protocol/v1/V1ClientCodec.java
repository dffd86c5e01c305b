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
import dev.geodesic.protocol.wire.Wire;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.util.List;

/** Client messages of v1 in BSATN (spec/websocket.md 5.1). */
public final class V1ClientCodec {

    private static final int CALL_REDUCER = 0;
    private static final int SUBSCRIBE = 1;
    private static final int ONE_OFF_QUERY = 2;
    private static final int SUBSCRIBE_SINGLE = 3;
    private static final int SUBSCRIBE_MULTI = 4;
    private static final int UNSUBSCRIBE = 5;
    private static final int UNSUBSCRIBE_MULTI = 6;
    private static final int CALL_PROCEDURE = 7;

    private static final int FULL_UPDATE = 0;
    private static final int NO_SUCCESS_NOTIFY = 1;

    private V1ClientCodec() {
    }

    /**
     * Reads one message and leaves the reader behind it.
     *
     * @throws BsatnException if the bytes are no message
     * @throws ProtocolException if the message is not allowed
     */
    public static ClientMessage read(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case CALL_REDUCER -> {
                String reducer = in.readString();
                Arguments arguments = new Arguments.Bsatn(in.readBytes());
                int requestId = in.readU32();
                yield new CallReducer(reducer, arguments, requestId, notifySuccess(in.readU8()));
            }
            case SUBSCRIBE -> {
                List<String> queries = Wire.readQueries(in);
                yield new Subscribe(SubscriptionKind.LEGACY, in.readU32(), 0, queries);
            }
            case ONE_OFF_QUERY -> new OneOffQuery(0, in.readBytes(), in.readString());
            case SUBSCRIBE_SINGLE -> {
                List<String> queries = List.of(in.readString());
                yield new Subscribe(SubscriptionKind.SINGLE, in.readU32(), in.readU32(), queries);
            }
            case SUBSCRIBE_MULTI -> {
                List<String> queries = Wire.readQueries(in);
                yield new Subscribe(SubscriptionKind.MULTI, in.readU32(), in.readU32(), queries);
            }
            case UNSUBSCRIBE -> new Unsubscribe(SubscriptionKind.SINGLE, in.readU32(), in.readU32(), true);
            case UNSUBSCRIBE_MULTI -> new Unsubscribe(SubscriptionKind.MULTI, in.readU32(), in.readU32(), true);
            case CALL_PROCEDURE -> {
                String procedure = in.readString();
                Arguments arguments = new Arguments.Bsatn(in.readBytes());
                int requestId = in.readU32();
                checkProcedureFlags(in.readU8());
                yield new CallProcedure(procedure, arguments, requestId);
            }
            default -> throw Wire.unknownTag(tag, "ClientMessage");
        };
    }

    static boolean notifySuccess(int flags) {
        return switch (flags) {
            case FULL_UPDATE -> true;
            case NO_SUCCESS_NOTIFY -> false;
            default -> throw new ProtocolException("invalid call reducer flag " + flags);
        };
    }

    static int flags(CallReducer call) {
        return call.notifySuccess() ? FULL_UPDATE : NO_SUCCESS_NOTIFY;
    }

    static void checkProcedureFlags(int flags) {
        if (flags != 0) {
            throw new ProtocolException("invalid call procedure flag " + flags);
        }
    }

    /** @throws IllegalArgumentException if v1 has no such message */
    public static void write(BsatnWriter out, ClientMessage message) {
        switch (message) {
            case CallReducer m -> {
                writeCall(out, CALL_REDUCER, m.reducer(), m.arguments(), m.requestId());
                out.writeU8(flags(m));
            }
            case CallProcedure m -> {
                writeCall(out, CALL_PROCEDURE, m.procedure(), m.arguments(), m.requestId());
                out.writeU8(0);
            }
            case OneOffQuery m -> {
                out.writeU8(ONE_OFF_QUERY);
                out.writeBytes(m.messageId());
                out.writeString(m.query());
            }
            case Subscribe m -> writeSubscribe(out, m);
            case SubscribeBatch m -> throw notV1(SubscriptionKind.SET);
            case Unsubscribe m -> {
                out.writeU8(isSingle(m) ? UNSUBSCRIBE : UNSUBSCRIBE_MULTI);
                out.writeU32(m.requestId());
                out.writeU32(m.querySetId());
            }
        }
    }

    private static void writeCall(BsatnWriter out, int tag, String name, Arguments arguments, int requestId) {
        if (!(arguments instanceof Arguments.Bsatn bsatn)) {
            throw new IllegalArgumentException("JSON arguments in a binary message");
        }
        out.writeU8(tag);
        out.writeString(name);
        out.writeBytes(bsatn.bytes());
        out.writeU32(requestId);
    }

    private static void writeSubscribe(BsatnWriter out, Subscribe m) {
        switch (m.kind()) {
            case LEGACY -> {
                out.writeU8(SUBSCRIBE);
                Wire.writeStrings(out, m.queries());
                out.writeU32(m.requestId());
            }
            case SINGLE -> {
                out.writeU8(SUBSCRIBE_SINGLE);
                out.writeString(onlyQuery(m));
                out.writeU32(m.requestId());
                out.writeU32(m.querySetId());
            }
            case MULTI -> {
                out.writeU8(SUBSCRIBE_MULTI);
                Wire.writeStrings(out, m.queries());
                out.writeU32(m.requestId());
                out.writeU32(m.querySetId());
            }
            case SET -> throw notV1(m.kind());
        }
    }

    static String onlyQuery(Subscribe m) {
        if (m.queries().size() != 1) {
            throw new IllegalArgumentException("a single subscription has one query");
        }
        return m.queries().getFirst();
    }

    static boolean isSingle(Unsubscribe m) {
        return switch (m.kind()) {
            case SINGLE -> true;
            case MULTI -> false;
            case LEGACY, SET -> throw notV1(m.kind());
        };
    }

    static IllegalArgumentException notV1(SubscriptionKind kind) {
        return new IllegalArgumentException("v1 has no such message for " + kind);
    }
}
