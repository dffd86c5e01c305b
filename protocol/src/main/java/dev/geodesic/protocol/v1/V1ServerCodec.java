package dev.geodesic.protocol.v1;

import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Form;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.ServerMessage.InitialConnection;
import dev.geodesic.protocol.message.ServerMessage.OneOffResult;
import dev.geodesic.protocol.message.ServerMessage.ProcedureResult;
import dev.geodesic.protocol.message.ServerMessage.ReducerResult;
import dev.geodesic.protocol.message.ServerMessage.Shared;
import dev.geodesic.protocol.message.ServerMessage.SubscribeApplied;
import dev.geodesic.protocol.message.ServerMessage.SubscribeBatchApplied;
import dev.geodesic.protocol.message.ServerMessage.SubscriptionError;
import dev.geodesic.protocol.message.ServerMessage.TransactionUpdate;
import dev.geodesic.protocol.message.ServerMessage.UnsubscribeApplied;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.protocol.wire.Compression;
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

/**
 * Server messages of v1 in BSATN (spec/websocket.md 5.2). Row changes inside may be compressed one by one, which lets several
 * sessions share the compressed bytes; clients then get the message around them uncompressed.
 */
public final class V1ServerCodec {

    private static final int INITIAL_SUBSCRIPTION = 0;
    private static final int TRANSACTION_UPDATE = 1;
    private static final int TRANSACTION_UPDATE_LIGHT = 2;
    private static final int IDENTITY_TOKEN = 3;
    private static final int ONE_OFF_QUERY_RESPONSE = 4;
    private static final int SUBSCRIBE_APPLIED = 5;
    private static final int UNSUBSCRIBE_APPLIED = 6;
    private static final int SUBSCRIPTION_ERROR = 7;
    private static final int SUBSCRIBE_MULTI_APPLIED = 8;
    private static final int UNSUBSCRIBE_MULTI_APPLIED = 9;
    private static final int PROCEDURE_RESULT = 10;

    private static final int COMMITTED = 0;
    private static final int FAILED = 1;
    private static final int OUT_OF_ENERGY = 2;

    private static final int RETURNED = 0;
    private static final int PROCEDURE_OUT_OF_ENERGY = 1;
    private static final int INTERNAL_ERROR = 2;

    private static final int TABLE_UPDATE_BYTES_MIN = 20;
    private static final int QUERY_UPDATE_BYTES_MIN = 5;
    private static final int ONE_OFF_TABLE_BYTES_MIN = 11;

    private static final Function<Fragment, byte[]> PLAIN = V1ServerCodec::encode;
    private static final Function<Fragment, byte[]> BROTLI = fragment -> encode(fragment, Compression.BROTLI);
    private static final Function<Fragment, byte[]> GZIP = fragment -> encode(fragment, Compression.GZIP);

    private V1ServerCodec() {
    }

    /**
     * @param inner compression of the row changes of transactions
     * @throws IllegalArgumentException if v1 has no such message
     */
    public static void write(BsatnWriter out, ServerMessage message, Compression inner) {
        switch (message) {
            case InitialConnection m -> {
                out.writeU8(IDENTITY_TOKEN);
                out.writeIdentity(m.identity());
                out.writeString(m.token());
                out.writeConnectionId(m.connectionId());
            }
            case SubscribeApplied m -> writeSubscribeApplied(out, m);
            case SubscribeBatchApplied m -> throw V1ClientCodec.notV1(SubscriptionKind.SET);
            case UnsubscribeApplied m -> writeUnsubscribeApplied(out, m);
            case SubscriptionError m -> {
                out.writeU8(SUBSCRIPTION_ERROR);
                out.writeU64(m.durationMicros());
                Wire.writeOption(out, m.requestId());
                Wire.writeOption(out, m.querySetId());
                Wire.writeOption(out, m.tableId());
                out.writeString(m.error());
            }
            case TransactionUpdate m -> {
                if (m.call().isPresent()) {
                    out.writeU8(TRANSACTION_UPDATE);
                    out.writeU8(COMMITTED);
                    writeTransaction(out, V1.tables(m.querySets()), inner);
                    writeCall(out, m.call().get());
                } else {
                    out.writeU8(TRANSACTION_UPDATE_LIGHT);
                    out.writeU32(m.requestId());
                    writeTransaction(out, V1.tables(m.querySets()), inner);
                }
            }
            case ReducerResult m -> {
                out.writeU8(TRANSACTION_UPDATE);
                switch (m.outcome()) {
                    case ReducerOutcome.Committed committed -> {
                        out.writeU8(COMMITTED);
                        writeTransaction(out, V1.tables(committed.querySets()), inner);
                    }
                    case ReducerOutcome.Failed failed -> writeFailed(out, failed.error());
                    case ReducerOutcome.InternalError error -> writeFailed(out, error.error());
                    case ReducerOutcome.OutOfEnergy o -> out.writeU8(OUT_OF_ENERGY);
                }
                writeCall(out, m.call());
            }
            case ProcedureResult m -> writeProcedureResult(out, m);
            case OneOffResult m -> writeOneOffResult(out, m);
            case Shared m -> write(out, m.message(), inner);
        }
    }

    private static void writeSubscribeApplied(BsatnWriter out, SubscribeApplied m) {
        switch (m.kind()) {
            case LEGACY -> {
                out.writeU8(INITIAL_SUBSCRIPTION);
                writeTables(out, m.tables());
                out.writeU32(m.requestId());
                out.writeU64(m.durationMicros());
            }
            case SINGLE -> writeSingle(out, SUBSCRIBE_APPLIED, m.requestId(), m.durationMicros(), m.querySetId(), m.tables());
            case MULTI -> {
                writeHead(out, SUBSCRIBE_MULTI_APPLIED, m.requestId(), m.durationMicros(), m.querySetId());
                writeTables(out, m.tables());
            }
            case SET -> throw V1ClientCodec.notV1(m.kind());
        }
    }

    private static void writeUnsubscribeApplied(BsatnWriter out, UnsubscribeApplied m) {
        List<TableUpdate> tables = V1.dropped(m.tables());
        switch (m.kind()) {
            case SINGLE -> writeSingle(out, UNSUBSCRIBE_APPLIED, m.requestId(), m.durationMicros(), m.querySetId(), tables);
            case MULTI -> {
                writeHead(out, UNSUBSCRIBE_MULTI_APPLIED, m.requestId(), m.durationMicros(), m.querySetId());
                writeTables(out, tables);
            }
            case LEGACY, SET -> throw V1ClientCodec.notV1(m.kind());
        }
    }

    private static void writeHead(BsatnWriter out, int tag, int requestId, long durationMicros, int querySetId) {
        out.writeU8(tag);
        out.writeU32(requestId);
        out.writeU64(durationMicros);
        out.writeU32(querySetId);
    }

    private static void writeSingle(
            BsatnWriter out, int tag, int requestId, long durationMicros, int querySetId, List<TableUpdate> tables) {
        writeHead(out, tag, requestId, durationMicros, querySetId);
        TableUpdate table = V1.onlyTable(tables);
        out.writeU32(table.tableId());
        out.writeString(table.tableName());
        writeTable(out, table);
    }

    /** Tables that one session gets: their fragments are written in place, for nobody else will ask for them. */
    private static void writeTables(BsatnWriter out, List<TableUpdate> tables) {
        out.writeU32(tables.size());
        tables.forEach(table -> writeTable(out, table));
    }

    private static void writeTable(BsatnWriter out, TableUpdate table) {
        writeTableHead(out, table);
        table.fragments().forEach(fragment -> writePlain(out, fragment));
    }

    private static void writeTableHead(BsatnWriter out, TableUpdate table) {
        out.writeU32(table.tableId());
        out.writeString(table.tableName());
        out.writeU64(V1.rowCount(table));
        out.writeU32(table.fragments().size());
    }

    private static void writePlain(BsatnWriter out, Fragment fragment) {
        out.writeU8(Compression.NONE.tag());
        writeQueryUpdate(out, fragment);
    }

    private static void writeQueryUpdate(BsatnWriter out, Fragment fragment) {
        fragment.deletes().write(out);
        fragment.inserts().write(out);
    }

    private static void writeTransaction(BsatnWriter out, List<TableUpdate> tables, Compression inner) {
        out.writeU32(tables.size());
        for (TableUpdate table : tables) {
            writeTableHead(out, table);
            for (Fragment fragment : table.fragments()) {
                out.writeRaw(switch (inner) {
                    case NONE -> fragment.bytes(Form.V1_BSATN, PLAIN);
                    case BROTLI -> fragment.bytes(Form.V1_BSATN_BROTLI, BROTLI);
                    case GZIP -> fragment.bytes(Form.V1_BSATN_GZIP, GZIP);
                });
            }
        }
    }

    private static int encodedLength(Fragment fragment) {
        return Math.toIntExact(1 + fragment.deletes().encodedLength() + fragment.inserts().encodedLength());
    }

    private static byte[] encode(Fragment fragment) {
        BsatnWriter out = new BsatnWriter(encodedLength(fragment));
        writePlain(out, fragment);
        return out.buffer();
    }

    private static byte[] encode(Fragment fragment, Compression compression) {
        BsatnWriter plain = new BsatnWriter(encodedLength(fragment));
        writePlain(plain, fragment);
        if (plain.length() - 1 <= ProtocolLimits.COMPRESSION_THRESHOLD_BYTES) {
            return plain.buffer();
        }
        byte[] compressed = compression.compress(plain.buffer(), 1, plain.length() - 1, 0);
        if (compressed.length + Integer.BYTES >= plain.length()) {
            return plain.buffer();
        }
        BsatnWriter out = new BsatnWriter(1 + Integer.BYTES + compressed.length);
        out.writeU8(compression.tag());
        out.writeBytes(compressed);
        return out.buffer();
    }

    private static void writeFailed(BsatnWriter out, String error) {
        out.writeU8(FAILED);
        out.writeString(error);
    }

    private static void writeCall(BsatnWriter out, ReducerCall call) {
        out.writeU64(call.timestampMicros());
        out.writeIdentity(call.caller());
        out.writeConnectionId(call.connectionId());
        out.writeString(call.reducerName());
        out.writeU32(call.reducerId());
        out.writeBytes(call.arguments().bsatn());
        out.writeU32(V1.requestId(call));
        out.writeU128(call.energyQuanta(), 0);
        out.writeU64(call.durationMicros());
    }

    private static void writeProcedureResult(BsatnWriter out, ProcedureResult m) {
        out.writeU8(PROCEDURE_RESULT);
        switch (m.outcome()) {
            case ProcedureOutcome.Returned returned -> {
                out.writeU8(RETURNED);
                out.writeBytes(returned.value().bsatn());
            }
            case ProcedureOutcome.OutOfEnergy o -> out.writeU8(PROCEDURE_OUT_OF_ENERGY);
            case ProcedureOutcome.InternalError error -> {
                out.writeU8(INTERNAL_ERROR);
                out.writeString(error.error());
            }
        }
        out.writeU64(m.timestampMicros());
        out.writeU64(m.durationMicros());
        out.writeU32(m.requestId());
    }

    private static void writeOneOffResult(BsatnWriter out, OneOffResult m) {
        out.writeU8(ONE_OFF_QUERY_RESPONSE);
        out.writeBytes(m.messageId());
        switch (m.outcome()) {
            case QueryOutcome.Rows rows -> {
                Wire.writeStringOption(out, Optional.empty());
                out.writeU32(1);
                out.writeString(rows.tableName());
                rows.rows().inserts().write(out);
            }
            case QueryOutcome.Failed failed -> {
                Wire.writeStringOption(out, Optional.of(failed.error()));
                out.writeU32(0);
            }
        }
        out.writeU64(m.durationMicros());
    }

    /**
     * Reads one message, as a client does, and leaves the reader behind it. A committed TransactionUpdate becomes a
     * {@link TransactionUpdate} even if the reader's own call caused it.
     *
     * @throws BsatnException if the bytes are no message
     * @throws ProtocolException if compressed bytes inside are malformed
     */
    public static ServerMessage read(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case INITIAL_SUBSCRIPTION -> {
                List<TableUpdate> tables = readTables(in);
                yield new SubscribeApplied(SubscriptionKind.LEGACY, in.readU32(), 0, tables, in.readU64());
            }
            case TRANSACTION_UPDATE -> {
                ReducerOutcome outcome = readStatus(in);
                yield V1.transactionUpdate(readCall(in), outcome);
            }
            case TRANSACTION_UPDATE_LIGHT -> new TransactionUpdate(in.readU32(), V1.querySets(readTables(in)));
            case IDENTITY_TOKEN -> {
                Identity identity = in.readIdentity();
                String token = in.readString();
                yield new InitialConnection(identity, in.readConnectionId(), token);
            }
            case ONE_OFF_QUERY_RESPONSE -> readOneOffResult(in);
            case SUBSCRIBE_APPLIED, SUBSCRIBE_MULTI_APPLIED -> {
                int requestId = in.readU32();
                long duration = in.readU64();
                int querySetId = in.readU32();
                boolean single = tag == SUBSCRIBE_APPLIED;
                yield new SubscribeApplied(
                        single ? SubscriptionKind.SINGLE : SubscriptionKind.MULTI,
                        requestId,
                        querySetId,
                        single ? readSingle(in) : readTables(in),
                        duration);
            }
            case UNSUBSCRIBE_APPLIED, UNSUBSCRIBE_MULTI_APPLIED -> {
                int requestId = in.readU32();
                long duration = in.readU64();
                int querySetId = in.readU32();
                boolean single = tag == UNSUBSCRIBE_APPLIED;
                yield new UnsubscribeApplied(
                        single ? SubscriptionKind.SINGLE : SubscriptionKind.MULTI,
                        requestId,
                        querySetId,
                        Optional.of(single ? readSingle(in) : readTables(in)),
                        duration);
            }
            case SUBSCRIPTION_ERROR -> {
                long duration = in.readU64();
                OptionalInt requestId = Wire.readOption(in);
                OptionalInt querySetId = Wire.readOption(in);
                yield new SubscriptionError(requestId, querySetId, Wire.readOption(in), in.readString(), duration);
            }
            case PROCEDURE_RESULT -> {
                ProcedureOutcome outcome = readProcedureStatus(in);
                long timestamp = in.readU64();
                long duration = in.readU64();
                yield new ProcedureResult(in.readU32(), outcome, timestamp, duration);
            }
            default -> throw Wire.unknownTag(tag, "ServerMessage");
        };
    }

    private static List<TableUpdate> readSingle(BsatnReader in) {
        in.readU32();
        in.readString();
        return List.of(readTable(in));
    }

    private static List<TableUpdate> readTables(BsatnReader in) {
        return Wire.readArray(in, TABLE_UPDATE_BYTES_MIN, V1ServerCodec::readTable);
    }

    private static TableUpdate readTable(BsatnReader in) {
        int tableId = in.readU32();
        String name = in.readString();
        long rowCount = in.readU64();
        TableUpdate table =
                new TableUpdate(tableId, name, Wire.readArray(in, QUERY_UPDATE_BYTES_MIN, V1ServerCodec::readFragment));
        if (V1.rowCount(table) != rowCount) {
            throw new BsatnException(BsatnException.Code.BAD_ROW_LIST, "wrong number of rows in update of table " + name);
        }
        return table;
    }

    private static Fragment readFragment(BsatnReader in) {
        Compression compression = Compression.ofTag(in.readU8());
        if (compression == Compression.NONE) {
            return readQueryUpdate(in);
        }
        byte[] compressed = in.readBytes();
        byte[] plain = compression.decompress(compressed, 0, compressed.length, ProtocolLimits.DECOMPRESSED_BYTES_MAX);
        return readQueryUpdate(new BsatnReader(plain));
    }

    private static Fragment readQueryUpdate(BsatnReader in) {
        RowList deletes = RowList.read(in);
        return Fragment.of(RowList.read(in), deletes, RowJson.NONE);
    }

    private static ReducerOutcome readStatus(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case COMMITTED -> new ReducerOutcome.Committed(V1.querySets(readTables(in)));
            case FAILED -> new ReducerOutcome.Failed(in.readString());
            case OUT_OF_ENERGY -> new ReducerOutcome.OutOfEnergy();
            default -> throw Wire.unknownTag(tag, "UpdateStatus");
        };
    }

    private static ReducerCall readCall(BsatnReader in) {
        long timestamp = in.readU64();
        Identity caller = in.readIdentity();
        ConnectionId connectionId = in.readConnectionId();
        String reducer = in.readString();
        int reducerId = in.readU32();
        EncodedValue arguments = EncodedValue.ofBsatn(in.readBytes());
        int requestId = in.readU32();
        long energy = Wire.readU128Saturated(in);
        return new ReducerCall(
                timestamp, caller, connectionId, reducer, reducerId, arguments, requestId, energy, in.readU64(), true);
    }

    private static ProcedureOutcome readProcedureStatus(BsatnReader in) {
        int tag = in.readU8();
        return switch (tag) {
            case RETURNED -> new ProcedureOutcome.Returned(EncodedValue.ofBsatn(in.readBytes()));
            case PROCEDURE_OUT_OF_ENERGY -> new ProcedureOutcome.OutOfEnergy();
            case INTERNAL_ERROR -> new ProcedureOutcome.InternalError(in.readString());
            default -> throw Wire.unknownTag(tag, "ProcedureStatus");
        };
    }

    private static OneOffResult readOneOffResult(BsatnReader in) {
        byte[] messageId = in.readBytes();
        Optional<String> error = Wire.readStringOption(in);
        List<QueryOutcome.Rows> tables = Wire.readArray(in, ONE_OFF_TABLE_BYTES_MIN, r -> new QueryOutcome.Rows(
                r.readString(), Fragment.inserts(RowList.read(r), RowJson.NONE)));
        return new OneOffResult(0, messageId, outcome(error, tables), in.readU64());
    }

    static QueryOutcome outcome(Optional<String> error, List<QueryOutcome.Rows> tables) {
        if (tables.size() != (error.isPresent() ? 0 : 1)) {
            throw new ProtocolException("a one-off query answers with one table or an error");
        }
        return error.isPresent() ? new QueryOutcome.Failed(error.get()) : tables.getFirst();
    }
}
