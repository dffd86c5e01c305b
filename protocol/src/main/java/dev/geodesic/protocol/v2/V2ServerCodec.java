package dev.geodesic.protocol.v2;

import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Form;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.ServerMessage.InitialConnection;
import dev.geodesic.protocol.message.ServerMessage.OneOffResult;
import dev.geodesic.protocol.message.ServerMessage.ProcedureResult;
import dev.geodesic.protocol.message.ServerMessage.ReducerResult;
import dev.geodesic.protocol.message.ServerMessage.SetOutcome;
import dev.geodesic.protocol.message.ServerMessage.Shared;
import dev.geodesic.protocol.message.ServerMessage.SubscribeApplied;
import dev.geodesic.protocol.message.ServerMessage.SubscribeBatchApplied;
import dev.geodesic.protocol.message.ServerMessage.SubscriptionError;
import dev.geodesic.protocol.message.ServerMessage.TransactionUpdate;
import dev.geodesic.protocol.message.ServerMessage.UnsubscribeApplied;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.protocol.wire.Wire;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.RowList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/** Server messages of v2 and v3 (spec/websocket.md 6.2, 11). */
public final class V2ServerCodec {

    private static final int INITIAL_CONNECTION = 0;
    private static final int SUBSCRIBE_APPLIED = 1;
    private static final int UNSUBSCRIBE_APPLIED = 2;
    private static final int SUBSCRIPTION_ERROR = 3;
    private static final int TRANSACTION_UPDATE = 4;
    private static final int ONE_OFF_QUERY_RESULT = 5;
    private static final int REDUCER_RESULT = 6;
    private static final int PROCEDURE_RESULT = 7;
    private static final int SUBSCRIBE_BATCH_APPLIED = 8;

    private static final int OUTCOME_OK = 0;
    private static final int OUTCOME_OK_EMPTY = 1;
    private static final int OUTCOME_ERR = 2;
    private static final int OUTCOME_INTERNAL_ERROR = 3;

    private static final int SET_APPLIED = 0;
    private static final int SET_ERROR = 1;

    private static final int PERSISTENT_TABLE = 0;
    private static final int EVENT_TABLE = 1;

    private static final int RESULT_OK = 0;
    private static final int RESULT_ERR = 1;

    private static final int TABLE_ROWS_BYTES_MIN = 4 + 7;
    private static final int LIST_OWNER_BYTES_MIN = 8;
    private static final int SET_OUTCOME_BYTES_MIN = 9;
    private static final int TABLE_UPDATE_ROWS_BYTES_MIN = 8;

    private static final byte[] NO_BYTES = {};
    private static final Function<Fragment, byte[]> ENCODE_FRAGMENT = V2ServerCodec::encode;

    private V2ServerCodec() {
    }

    /** @throws IllegalArgumentException if v2 has no such message */
    public static void write(BsatnWriter out, ServerMessage message) {
        switch (message) {
            case InitialConnection m -> {
                out.writeU8(INITIAL_CONNECTION);
                out.writeIdentity(m.identity());
                out.writeConnectionId(m.connectionId());
                out.writeString(m.token());
            }
            case SubscribeApplied m -> {
                out.writeU8(SUBSCRIBE_APPLIED);
                out.writeU32(m.requestId());
                out.writeU32(m.querySetId());
                writeQueryRows(out, m.tables(), Fragment::inserts);
            }
            case SubscribeBatchApplied m -> writeBatchApplied(out, m);
            case UnsubscribeApplied m -> {
                out.writeU8(UNSUBSCRIBE_APPLIED);
                out.writeU32(m.requestId());
                out.writeU32(m.querySetId());
                out.writeU8(m.tables().isPresent() ? 0 : 1);
                m.tables().ifPresent(tables -> writeQueryRows(out, tables, Fragment::deletes));
            }
            case SubscriptionError m -> {
                out.writeU8(SUBSCRIPTION_ERROR);
                Wire.writeOption(out, m.requestId());
                out.writeU32(m.querySetId()
                        .orElseThrow(() -> new IllegalArgumentException("v2 names the query set of an error")));
                out.writeString(m.error());
            }
            case TransactionUpdate m -> {
                out.writeU8(TRANSACTION_UPDATE);
                writeQuerySets(out, m.querySets());
            }
            case OneOffResult m -> writeOneOffResult(out, m);
            case ReducerResult m -> writeReducerResult(out, m);
            case ProcedureResult m -> writeProcedureResult(out, m);
            case Shared m -> write(out, m.message());
        }
    }

    /** One entry per query, so a table that two queries read appears twice. */
    private static void writeQueryRows(BsatnWriter out, List<TableUpdate> tables, Function<Fragment, RowList> rows) {
        int count = 0;
        for (TableUpdate table : tables) {
            count += table.fragments().size();
        }
        out.writeU32(count);
        for (TableUpdate table : tables) {
            for (Fragment fragment : table.fragments()) {
                out.writeString(table.tableName());
                rows.apply(fragment).write(out);
            }
        }
    }

    private static void writeBatchApplied(BsatnWriter out, SubscribeBatchApplied m) {
        out.writeU8(SUBSCRIBE_BATCH_APPLIED);
        out.writeU32(m.requestId());
        out.writeU32(m.results().size());
        for (SetOutcome result : m.results()) {
            out.writeU32(result.querySetId());
            switch (result) {
                case SetOutcome.Applied applied -> {
                    out.writeU8(SET_APPLIED);
                    writeQueryRows(out, applied.tables(), Fragment::inserts);
                }
                case SetOutcome.Failed failed -> {
                    out.writeU8(SET_ERROR);
                    out.writeString(failed.error());
                }
            }
        }
    }

    private static void writeQuerySets(BsatnWriter out, List<QuerySetUpdate> querySets) {
        out.writeU32(querySets.size());
        for (QuerySetUpdate set : querySets) {
            out.writeU32(set.querySetId());
            out.writeU32(set.tables().size());
            for (TableUpdate table : set.tables()) {
                out.writeString(table.tableName());
                out.writeU32(table.fragments().size());
                for (Fragment fragment : table.fragments()) {
                    out.writeRaw(fragment.bytes(Form.V2, ENCODE_FRAGMENT));
                }
            }
        }
    }

    /** A TableUpdateRows. */
    private static byte[] encode(Fragment fragment) {
        long length = 1 + fragment.inserts().encodedLength()
                + (fragment.isEvent() ? 0 : fragment.deletes().encodedLength());
        BsatnWriter out = new BsatnWriter(Math.toIntExact(length));
        out.writeU8(fragment.isEvent() ? EVENT_TABLE : PERSISTENT_TABLE);
        fragment.inserts().write(out);
        if (!fragment.isEvent()) {
            fragment.deletes().write(out);
        }
        return out.buffer();
    }

    private static void writeOneOffResult(BsatnWriter out, OneOffResult m) {
        out.writeU8(ONE_OFF_QUERY_RESULT);
        out.writeU32(m.requestId());
        switch (m.outcome()) {
            case QueryOutcome.Rows rows -> {
                out.writeU8(RESULT_OK);
                out.writeU32(1);
                out.writeString(rows.tableName());
                rows.rows().inserts().write(out);
            }
            case QueryOutcome.Failed failed -> {
                out.writeU8(RESULT_ERR);
                out.writeString(failed.error());
            }
        }
    }

    private static void writeReducerResult(BsatnWriter out, ReducerResult m) {
        out.writeU8(REDUCER_RESULT);
        out.writeU32(m.call().requestId());
        out.writeU64(m.call().timestampMicros());
        switch (m.outcome()) {
            case ReducerOutcome.Committed committed -> {
                out.writeU8(OUTCOME_OK);
                out.writeBytes(committed.returnValue());
                writeQuerySets(out, committed.querySets());
            }
            case ReducerOutcome.Failed failed -> {
                // The error is a value of the reducer's error type, which is a string: a string within bytes.
                out.writeU8(OUTCOME_ERR);
                int start = out.length();
                out.writeU32(0);
                out.writeString(failed.error());
                out.setU32(start, out.length() - start - Integer.BYTES);
            }
            case ReducerOutcome.InternalError error -> writeInternalError(out, error.error());
            case ReducerOutcome.OutOfEnergy o -> writeInternalError(out, ReducerOutcome.OUT_OF_ENERGY_TEXT);
        }
    }

    private static void writeInternalError(BsatnWriter out, String error) {
        out.writeU8(OUTCOME_INTERNAL_ERROR);
        out.writeString(error);
    }

    private static void writeProcedureResult(BsatnWriter out, ProcedureResult m) {
        out.writeU8(PROCEDURE_RESULT);
        switch (m.outcome()) {
            case ProcedureOutcome.Returned returned -> {
                out.writeU8(RESULT_OK);
                out.writeBytes(returned.value().bsatn());
            }
            case ProcedureOutcome.InternalError error -> {
                out.writeU8(RESULT_ERR);
                out.writeString(error.error());
            }
            case ProcedureOutcome.OutOfEnergy o -> {
                out.writeU8(RESULT_ERR);
                out.writeString(ProcedureOutcome.OUT_OF_ENERGY_TEXT);
            }
        }
        out.writeU64(m.timestampMicros());
        out.writeU64(m.durationMicros());
        out.writeU32(m.requestId());
    }

    /**
     * Reads one message, as a client does, and leaves the reader behind it. What v2 does not send (caller, reducer name) is
     * empty in the result.
     *
     * @throws BsatnException if the bytes are no message
     */
    public static ServerMessage read(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case INITIAL_CONNECTION -> new InitialConnection(in.readIdentity(), in.readConnectionId(), in.readString());
            case SUBSCRIBE_APPLIED -> new SubscribeApplied(
                    SubscriptionKind.SET, in.readU32(), in.readU32(), readQueryRows(in, V2ServerCodec::inserts), 0);
            case UNSUBSCRIBE_APPLIED -> {
                int requestId = in.readU32();
                int querySetId = in.readU32();
                Optional<List<TableUpdate>> tables =
                        Wire.isSome(in) ? Optional.of(readQueryRows(in, V2ServerCodec::deletes)) : Optional.empty();
                yield new UnsubscribeApplied(SubscriptionKind.SET, requestId, querySetId, tables, 0);
            }
            case SUBSCRIBE_BATCH_APPLIED -> new SubscribeBatchApplied(
                    in.readU32(), Wire.readArray(in, SET_OUTCOME_BYTES_MIN, V2ServerCodec::readSetOutcome));
            case SUBSCRIPTION_ERROR -> new SubscriptionError(
                    Wire.readOption(in), OptionalInt.of(in.readU32()), in.readString(), 0);
            case TRANSACTION_UPDATE -> new TransactionUpdate(0, readQuerySets(in));
            case ONE_OFF_QUERY_RESULT -> readOneOffResult(in);
            case REDUCER_RESULT -> readReducerResult(in);
            case PROCEDURE_RESULT -> readProcedureResult(in);
            default -> throw Wire.unknownTag(tag, "ServerMessage");
        };
    }

    private static SetOutcome readSetOutcome(BsatnReader in) {
        int querySetId = in.readU32();
        int tag = in.readU8();
        return switch (tag) {
            case SET_APPLIED -> new SetOutcome.Applied(querySetId, readQueryRows(in, V2ServerCodec::inserts));
            case SET_ERROR -> new SetOutcome.Failed(querySetId, in.readString());
            default -> throw Wire.unknownTag(tag, "QuerySetOutcome");
        };
    }

    private static Fragment inserts(RowList rows) {
        return Fragment.inserts(rows, RowJson.NONE);
    }

    private static Fragment deletes(RowList rows) {
        return Fragment.deletes(rows, RowJson.NONE);
    }

    private static List<TableUpdate> readQueryRows(BsatnReader in, Function<RowList, Fragment> fragment) {
        return Wire.readArray(
                in, TABLE_ROWS_BYTES_MIN, r -> TableUpdate.of(0, r.readString(), fragment.apply(RowList.read(r))));
    }

    private static List<QuerySetUpdate> readQuerySets(BsatnReader in) {
        return Wire.readArray(in, LIST_OWNER_BYTES_MIN, set -> new QuerySetUpdate(
                set.readU32(),
                Wire.readArray(set, LIST_OWNER_BYTES_MIN, table -> new TableUpdate(
                        0,
                        table.readString(),
                        Wire.readArray(table, TABLE_UPDATE_ROWS_BYTES_MIN, V2ServerCodec::readFragment)))));
    }

    private static Fragment readFragment(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case PERSISTENT_TABLE -> Fragment.of(RowList.read(in), RowList.read(in), RowJson.NONE);
            case EVENT_TABLE -> Fragment.events(RowList.read(in));
            default -> throw Wire.unknownTag(tag, "TableUpdateRows");
        };
    }

    private static OneOffResult readOneOffResult(BsatnReader in) {
        int requestId = in.readU32();
        int tag = in.readU8();
        QueryOutcome outcome = switch (tag) {
            case RESULT_OK -> {
                if (in.readCount(TABLE_ROWS_BYTES_MIN) != 1) {
                    throw new BsatnException(BsatnException.Code.BAD_TAG, "a one-off query answers with one table");
                }
                yield new QueryOutcome.Rows(in.readString(), inserts(RowList.read(in)));
            }
            case RESULT_ERR -> new QueryOutcome.Failed(in.readString());
            default -> throw Wire.unknownTag(tag, "Result");
        };
        return new OneOffResult(requestId, NO_BYTES, outcome, 0);
    }

    private static ReducerResult readReducerResult(BsatnReader in) {
        int requestId = in.readU32();
        long timestamp = in.readU64();
        int tag = in.readU8();
        ReducerOutcome outcome = switch (tag) {
            case OUTCOME_OK -> new ReducerOutcome.Committed(in.readBytes(), readQuerySets(in));
            case OUTCOME_OK_EMPTY -> new ReducerOutcome.Committed(List.of());
            case OUTCOME_ERR -> new ReducerOutcome.Failed(new BsatnReader(in.readBytes()).readString());
            case OUTCOME_INTERNAL_ERROR -> new ReducerOutcome.InternalError(in.readString());
            default -> throw Wire.unknownTag(tag, "ReducerOutcome");
        };
        ReducerCall call = new ReducerCall(
                timestamp, Identity.ZERO, ConnectionId.NONE, "", ReducerCall.UNKNOWN_REDUCER, EncodedValue.EMPTY, requestId, 0,
                0, true);
        return new ReducerResult(call, outcome);
    }

    private static ProcedureResult readProcedureResult(BsatnReader in) {
        int tag = in.readU8();
        ProcedureOutcome outcome = switch (tag) {
            case RESULT_OK -> new ProcedureOutcome.Returned(EncodedValue.ofBsatn(in.readBytes()));
            case RESULT_ERR -> new ProcedureOutcome.InternalError(in.readString());
            default -> throw Wire.unknownTag(tag, "ProcedureStatus");
        };
        long timestamp = in.readU64();
        long duration = in.readU64();
        return new ProcedureResult(in.readU32(), outcome, timestamp, duration);
    }
}
