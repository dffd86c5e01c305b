package dev.geodesic.protocol.v2;

import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ClientMessage.CallProcedure;
import dev.geodesic.protocol.message.ClientMessage.CallReducer;
import dev.geodesic.protocol.message.ClientMessage.OneOffQuery;
import dev.geodesic.protocol.message.ClientMessage.QuerySet;
import dev.geodesic.protocol.message.ClientMessage.Subscribe;
import dev.geodesic.protocol.message.ClientMessage.SubscribeBatch;
import dev.geodesic.protocol.message.ClientMessage.Unsubscribe;
import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.wire.Wire;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import java.util.ArrayList;
import java.util.List;

/** Client messages of v2 and v3 (spec/websocket.md 6.1, 11). */
public final class V2ClientCodec {

    private static final int SUBSCRIBE = 0;
    private static final int UNSUBSCRIBE = 1;
    private static final int ONE_OFF_QUERY = 2;
    private static final int CALL_REDUCER = 3;
    private static final int CALL_PROCEDURE = 4;
    private static final int SUBSCRIBE_BATCH = 5;

    private static final int QUERY_SET_BYTES_MIN = 8;

    private static final byte[] NO_MESSAGE_ID = {};

    private V2ClientCodec() {
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
            case SUBSCRIBE -> {
                int requestId = in.readU32();
                int querySetId = in.readU32();
                yield new Subscribe(SubscriptionKind.SET, requestId, querySetId, Wire.readQueries(in));
            }
            case UNSUBSCRIBE -> new Unsubscribe(SubscriptionKind.SET, in.readU32(), in.readU32(), readSendDroppedRows(in));
            case ONE_OFF_QUERY -> new OneOffQuery(in.readU32(), NO_MESSAGE_ID, in.readString());
            case CALL_REDUCER -> {
                int requestId = in.readU32();
                checkFlags(in.readU8(), "reducer");
                yield new CallReducer(in.readString(), new Arguments.Bsatn(in.readBytes()), requestId, true);
            }
            case CALL_PROCEDURE -> {
                int requestId = in.readU32();
                checkFlags(in.readU8(), "procedure");
                yield new CallProcedure(in.readString(), new Arguments.Bsatn(in.readBytes()), requestId);
            }
            case SUBSCRIBE_BATCH -> readBatch(in);
            default -> throw Wire.unknownTag(tag, "ClientMessage");
        };
    }

    /** The bound of queries in a message holds for all sets together. */
    private static SubscribeBatch readBatch(BsatnReader in) {
        int requestId = in.readU32();
        int count = in.readCount(QUERY_SET_BYTES_MIN);
        Wire.checkQueryCount(count);
        List<QuerySet> sets = new ArrayList<>(count);
        int queries = 0;
        for (int i = 0; i < count; i++) {
            QuerySet set = new QuerySet(in.readU32(), Wire.readQueries(in));
            queries += set.queries().size();
            Wire.checkQueryCount(queries);
            sets.add(set);
        }
        return new SubscribeBatch(requestId, sets);
    }

    private static boolean readSendDroppedRows(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case 0 -> false;
            case 1 -> true;
            default -> throw Wire.unknownTag(tag, "UnsubscribeFlags");
        };
    }

    private static void checkFlags(int flags, String what) {
        if (flags != 0) {
            throw new ProtocolException("invalid call " + what + " flag " + flags);
        }
    }

    /** @throws IllegalArgumentException if v2 has no such message */
    public static void write(BsatnWriter out, ClientMessage message) {
        switch (message) {
            case Subscribe m -> {
                checkKind(m.kind());
                out.writeU8(SUBSCRIBE);
                out.writeU32(m.requestId());
                out.writeU32(m.querySetId());
                Wire.writeStrings(out, m.queries());
            }
            case SubscribeBatch m -> {
                out.writeU8(SUBSCRIBE_BATCH);
                out.writeU32(m.requestId());
                out.writeU32(m.sets().size());
                for (QuerySet set : m.sets()) {
                    out.writeU32(set.querySetId());
                    Wire.writeStrings(out, set.queries());
                }
            }
            case Unsubscribe m -> {
                checkKind(m.kind());
                out.writeU8(UNSUBSCRIBE);
                out.writeU32(m.requestId());
                out.writeU32(m.querySetId());
                out.writeBool(m.sendDroppedRows());
            }
            case OneOffQuery m -> {
                out.writeU8(ONE_OFF_QUERY);
                out.writeU32(m.requestId());
                out.writeString(m.query());
            }
            case CallReducer m -> {
                if (!m.notifySuccess()) {
                    throw new IllegalArgumentException("v2 always answers reducer calls");
                }
                writeCall(out, CALL_REDUCER, m.requestId(), m.reducer(), m.arguments());
            }
            case CallProcedure m -> writeCall(out, CALL_PROCEDURE, m.requestId(), m.procedure(), m.arguments());
        }
    }

    private static void writeCall(BsatnWriter out, int tag, int requestId, String name, Arguments arguments) {
        if (!(arguments instanceof Arguments.Bsatn bsatn)) {
            throw new IllegalArgumentException("v2 carries no JSON");
        }
        out.writeU8(tag);
        out.writeU32(requestId);
        out.writeU8(0);
        out.writeString(name);
        out.writeBytes(bsatn.bytes());
    }

    private static void checkKind(SubscriptionKind kind) {
        if (kind != SubscriptionKind.SET) {
            throw new IllegalArgumentException("v2 has no " + kind + " subscriptions");
        }
    }
}
