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
import dev.geodesic.protocol.wire.JsonPieces;
import dev.geodesic.protocol.wire.JsonReader;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.RowList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Function;

/** Server messages of v1 in JSON (spec/websocket.md 5.2). */
public final class V1JsonServerCodec {

    private static final Function<Fragment, byte[]> ENCODE_FRAGMENT = V1JsonServerCodec::encode;

    private V1JsonServerCodec() {
    }

    /**
     * @throws IllegalArgumentException if v1 has no such message
     * @throws BsatnException TOO_LARGE, or if rows are not of the type they were said to be
     */
    public static void write(JsonWriter out, ServerMessage message) {
        if (message instanceof Shared shared) {
            write(out, shared.message());
            return;
        }
        out.beginObject();
        switch (message) {
            case InitialConnection m -> {
                out.key("IdentityToken").beginObject();
                out.key("identity");
                JsonPieces.identity(out, m.identity());
                out.key("token").string(m.token());
                out.key("connection_id");
                JsonPieces.connectionId(out, m.connectionId());
            }
            case SubscribeApplied m -> writeSubscribeApplied(out, m);
            case SubscribeBatchApplied m -> throw V1ClientCodec.notV1(SubscriptionKind.SET);
            case UnsubscribeApplied m -> writeUnsubscribeApplied(out, m);
            case SubscriptionError m -> {
                out.key("SubscriptionError").beginObject();
                out.key("total_host_execution_duration_micros").unsigned(m.durationMicros());
                out.key("request_id");
                JsonPieces.option(out, m.requestId());
                out.key("query_id");
                JsonPieces.option(out, m.querySetId());
                out.key("table_id");
                JsonPieces.option(out, m.tableId());
                out.key("error").string(m.error());
            }
            case TransactionUpdate m -> {
                if (m.call().isPresent()) {
                    writeTransactionUpdate(out, m.call().get(), new ReducerOutcome.Committed(m.querySets()));
                } else {
                    out.key("TransactionUpdateLight").beginObject();
                    out.key("request_id").number(Integer.toUnsignedLong(m.requestId()));
                    out.key("update");
                    writeTransaction(out, V1.tables(m.querySets()));
                }
            }
            case ReducerResult m -> writeTransactionUpdate(out, m.call(), m.outcome());
            case ProcedureResult m -> writeProcedureResult(out, m);
            case OneOffResult m -> writeOneOffResult(out, m);
            case Shared m -> throw new AssertionError();
        }
        out.endObject().endObject();
    }

    private static void writeSubscribeApplied(JsonWriter out, SubscribeApplied m) {
        switch (m.kind()) {
            case LEGACY -> {
                out.key("InitialSubscription").beginObject();
                out.key("database_update");
                writeTables(out, m.tables());
                out.key("request_id").number(Integer.toUnsignedLong(m.requestId()));
                out.key("total_host_execution_duration");
                JsonPieces.duration(out, m.durationMicros());
            }
            case SINGLE -> {
                writeHead(out, "SubscribeApplied", m.requestId(), m.durationMicros(), m.querySetId());
                writeSingle(out, m.tables());
            }
            case MULTI -> {
                writeHead(out, "SubscribeMultiApplied", m.requestId(), m.durationMicros(), m.querySetId());
                out.key("update");
                writeTables(out, m.tables());
            }
            case SET -> throw V1ClientCodec.notV1(m.kind());
        }
    }

    private static void writeUnsubscribeApplied(JsonWriter out, UnsubscribeApplied m) {
        List<TableUpdate> tables = V1.dropped(m.tables());
        switch (m.kind()) {
            case SINGLE -> {
                writeHead(out, "UnsubscribeApplied", m.requestId(), m.durationMicros(), m.querySetId());
                writeSingle(out, tables);
            }
            case MULTI -> {
                writeHead(out, "UnsubscribeMultiApplied", m.requestId(), m.durationMicros(), m.querySetId());
                out.key("update");
                writeTables(out, tables);
            }
            case LEGACY, SET -> throw V1ClientCodec.notV1(m.kind());
        }
    }

    private static void writeHead(JsonWriter out, String variant, int requestId, long durationMicros, int querySetId) {
        out.key(variant).beginObject();
        out.key("request_id").number(Integer.toUnsignedLong(requestId));
        out.key("total_host_execution_duration_micros").unsigned(durationMicros);
        out.key("query_id");
        JsonPieces.querySetId(out, querySetId);
    }

    private static void writeSingle(JsonWriter out, List<TableUpdate> tables) {
        TableUpdate table = V1.onlyTable(tables);
        out.key("rows").beginObject();
        out.key("table_id").number(Integer.toUnsignedLong(table.tableId()));
        out.key("table_name").string(table.tableName());
        out.key("table_rows");
        writeTableHead(out, table);
        table.fragments().forEach(fragment -> JsonPieces.queryUpdate(out, fragment));
        out.endArray().endObject().endObject();
    }

    /** Tables that one session gets: their fragments are written in place, for nobody else will ask for them. */
    private static void writeTables(JsonWriter out, List<TableUpdate> tables) {
        writeTables(out, tables, fragment -> JsonPieces.queryUpdate(out, fragment));
    }

    private static void writeTransaction(JsonWriter out, List<TableUpdate> tables) {
        writeTables(out, tables, fragment -> {
            byte[] text = fragment.bytes(Form.V1_JSON, ENCODE_FRAGMENT);
            out.raw(text, 0, text.length);
        });
    }

    private static void writeTables(
            JsonWriter out, List<TableUpdate> tables, Consumer<Fragment> writeFragment) {
        out.beginObject().key("tables").beginArray();
        for (TableUpdate table : tables) {
            writeTableHead(out, table);
            table.fragments().forEach(writeFragment);
            out.endArray().endObject();
        }
        out.endArray().endObject();
    }

    /** Leaves the object and its array of updates open. */
    private static void writeTableHead(JsonWriter out, TableUpdate table) {
        out.beginObject();
        out.key("table_id").number(Integer.toUnsignedLong(table.tableId()));
        out.key("table_name").string(table.tableName());
        out.key("num_rows").number(V1.rowCount(table));
        out.key("updates").beginArray();
    }

    private static byte[] encode(Fragment fragment) {
        JsonWriter out = new JsonWriter(256, ProtocolLimits.JSON_BYTES_MAX);
        JsonPieces.queryUpdate(out, fragment);
        return out.toByteArray();
    }

    private static void writeTransactionUpdate(JsonWriter out, ReducerCall call, ReducerOutcome outcome) {
        out.key("TransactionUpdate").beginObject();
        out.key("status").beginObject();
        switch (outcome) {
            case ReducerOutcome.Committed committed -> {
                out.key("Committed");
                writeTransaction(out, V1.tables(committed.querySets()));
            }
            case ReducerOutcome.Failed failed -> out.key("Failed").string(failed.error());
            case ReducerOutcome.InternalError error -> out.key("Failed").string(error.error());
            case ReducerOutcome.OutOfEnergy o -> out.key("OutOfEnergy").beginArray().endArray();
        }
        out.endObject();
        out.key("timestamp");
        JsonPieces.timestamp(out, call.timestampMicros());
        out.key("caller_identity");
        JsonPieces.identity(out, call.caller());
        out.key("caller_connection_id");
        JsonPieces.connectionId(out, call.connectionId());
        out.key("reducer_call").beginObject();
        out.key("reducer_name").string(call.reducerName());
        out.key("reducer_id").number(Integer.toUnsignedLong(call.reducerId()));
        out.key("args").string(call.arguments().json());
        out.key("request_id").number(Integer.toUnsignedLong(V1.requestId(call)));
        out.endObject();
        out.key("energy_quanta_used").beginObject().key("quanta").unsigned(call.energyQuanta()).endObject();
        out.key("total_host_execution_duration");
        JsonPieces.duration(out, call.durationMicros());
    }

    private static void writeProcedureResult(JsonWriter out, ProcedureResult m) {
        out.key("ProcedureResult").beginObject();
        out.key("status").beginObject();
        switch (m.outcome()) {
            case ProcedureOutcome.Returned returned -> out.key("Returned").string(returned.value().json());
            case ProcedureOutcome.OutOfEnergy o -> out.key("OutOfEnergy").beginArray().endArray();
            case ProcedureOutcome.InternalError error -> out.key("InternalError").string(error.error());
        }
        out.endObject();
        out.key("timestamp");
        JsonPieces.timestamp(out, m.timestampMicros());
        out.key("total_host_execution_duration");
        JsonPieces.duration(out, m.durationMicros());
        out.key("request_id").number(Integer.toUnsignedLong(m.requestId()));
    }

    private static void writeOneOffResult(JsonWriter out, OneOffResult m) {
        out.key("OneOffQueryResponse").beginObject();
        out.key("message_id").hexString(m.messageId(), 0, m.messageId().length);
        switch (m.outcome()) {
            case QueryOutcome.Rows rows -> {
                out.key("error");
                JsonPieces.option(out, Optional.empty());
                out.key("tables").beginArray().beginObject();
                out.key("table_name").string(rows.tableName());
                out.key("rows");
                JsonPieces.rows(out, rows.rows().inserts(), rows.rows().rowJson());
                out.endObject().endArray();
            }
            case QueryOutcome.Failed failed -> {
                out.key("error");
                JsonPieces.option(out, Optional.of(failed.error()));
                out.key("tables").beginArray().endArray();
            }
        }
        out.key("total_host_execution_duration");
        JsonPieces.duration(out, m.durationMicros());
    }

    /**
     * Reads one message, as a client does. Rows are JSON texts ({@link RowJson#VERBATIM}). A committed TransactionUpdate
     * becomes a {@link TransactionUpdate} even if the reader's own call caused it.
     *
     * @throws ProtocolException if the text is no message
     */
    public static ServerMessage read(String text) {
        JsonReader in = new JsonReader(text);
        ServerMessage message = in.variant(name -> switch (name) {
            case "IdentityToken" -> readIdentityToken(in);
            case "InitialSubscription" -> readInitialSubscription(in);
            case "SubscribeApplied" -> subscribed(SubscriptionKind.SINGLE, readApplied(in, "rows"));
            case "SubscribeMultiApplied" -> subscribed(SubscriptionKind.MULTI, readApplied(in, "update"));
            case "UnsubscribeApplied" -> unsubscribed(SubscriptionKind.SINGLE, readApplied(in, "rows"));
            case "UnsubscribeMultiApplied" -> unsubscribed(SubscriptionKind.MULTI, readApplied(in, "update"));
            case "SubscriptionError" -> readSubscriptionError(in);
            case "TransactionUpdate" -> readTransactionUpdate(in);
            case "TransactionUpdateLight" -> readLight(in);
            case "ProcedureResult" -> readProcedureResult(in);
            case "OneOffQueryResponse" -> readOneOffResult(in);
            default -> throw in.error("unknown variant `" + name + "`");
        });
        in.end();
        return message;
    }

    private static InitialConnection readIdentityToken(JsonReader in) {
        Identity identity = Identity.ZERO;
        String token = "";
        ConnectionId connectionId = ConnectionId.NONE;
        JsonReader.Fields fields = in.fields("identity", "token", "connection_id");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> identity = in.readIdentity();
                case 1 -> token = in.readString();
                default -> connectionId = in.readConnectionId();
            }
        }
        return new InitialConnection(identity, connectionId, token);
    }

    private static SubscribeApplied readInitialSubscription(JsonReader in) {
        List<TableUpdate> tables = List.of();
        int requestId = 0;
        long duration = 0;
        JsonReader.Fields fields = in.fields("database_update", "request_id", "total_host_execution_duration");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> tables = readTables(in);
                case 1 -> requestId = in.readU32();
                default -> duration = readDuration(in);
            }
        }
        return new SubscribeApplied(SubscriptionKind.LEGACY, requestId, 0, tables, duration);
    }

    private record Applied(int requestId, long durationMicros, int querySetId, List<TableUpdate> tables) {
    }

    private static Applied readApplied(JsonReader in, String rowsField) {
        int requestId = 0;
        long duration = 0;
        int querySetId = 0;
        List<TableUpdate> tables = List.of();
        JsonReader.Fields fields = in.fields("request_id", "total_host_execution_duration_micros", "query_id", rowsField);
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> requestId = in.readU32();
                case 1 -> duration = in.readU64();
                case 2 -> querySetId = in.readQuerySetId();
                default -> tables = rowsField.equals("rows") ? readSingle(in) : readTables(in);
            }
        }
        return new Applied(requestId, duration, querySetId, tables);
    }

    private static SubscribeApplied subscribed(SubscriptionKind kind, Applied a) {
        return new SubscribeApplied(kind, a.requestId, a.querySetId, a.tables, a.durationMicros);
    }

    private static UnsubscribeApplied unsubscribed(SubscriptionKind kind, Applied a) {
        return new UnsubscribeApplied(kind, a.requestId, a.querySetId, Optional.of(a.tables), a.durationMicros);
    }

    private static List<TableUpdate> readSingle(JsonReader in) {
        List<TableUpdate> tables = List.of();
        JsonReader.Fields fields = in.fields("table_id", "table_name", "table_rows");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> in.readU32();
                case 1 -> in.readString();
                default -> tables = List.of(readTable(in));
            }
        }
        return tables;
    }

    private static List<TableUpdate> readTables(JsonReader in) {
        return in.single("tables", r -> r.array(V1JsonServerCodec::readTable));
    }

    private static TableUpdate readTable(JsonReader in) {
        int id = 0;
        String name = "";
        long rowCount = 0;
        List<Fragment> fragments = List.of();
        JsonReader.Fields fields = in.fields("table_id", "table_name", "num_rows", "updates");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> id = in.readU32();
                case 1 -> name = in.readString();
                case 2 -> rowCount = in.readU64();
                default -> fragments = in.array(V1JsonServerCodec::readFragment);
            }
        }
        TableUpdate table = new TableUpdate(id, name, fragments);
        if (V1.rowCount(table) != rowCount) {
            throw in.error("wrong number of rows in update of table " + name);
        }
        return table;
    }

    private static Fragment readFragment(JsonReader in) {
        RowList deletes = RowList.EMPTY;
        RowList inserts = RowList.EMPTY;
        JsonReader.Fields fields = in.fields("deletes", "inserts");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> deletes = JsonPieces.readRows(in);
                default -> inserts = JsonPieces.readRows(in);
            }
        }
        return Fragment.of(inserts, deletes, RowJson.VERBATIM);
    }

    private static long readDuration(JsonReader in) {
        return in.single("__time_duration_micros__", JsonReader::readI64);
    }

    private static long readTimestamp(JsonReader in) {
        return in.single("__timestamp_micros_since_unix_epoch__", JsonReader::readI64);
    }

    private static SubscriptionError readSubscriptionError(JsonReader in) {
        long duration = 0;
        OptionalInt[] ids = new OptionalInt[3];
        String error = "";
        JsonReader.Fields fields =
                in.fields("total_host_execution_duration_micros", "request_id", "query_id", "table_id", "error");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> duration = in.readU64();
                case 4 -> error = in.readString();
                default -> ids[i - 1] = in.readU32Option();
            }
        }
        return new SubscriptionError(ids[0], ids[1], ids[2], error, duration);
    }

    private static TransactionUpdate readLight(JsonReader in) {
        int requestId = 0;
        List<TableUpdate> tables = List.of();
        JsonReader.Fields fields = in.fields("request_id", "update");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> requestId = in.readU32();
                default -> tables = readTables(in);
            }
        }
        return new TransactionUpdate(requestId, V1.querySets(tables));
    }

    private record Call(String reducerName, int reducerId, EncodedValue arguments, int requestId) {
    }

    private static ServerMessage readTransactionUpdate(JsonReader in) {
        ReducerOutcome outcome = new ReducerOutcome.OutOfEnergy();
        long timestamp = 0;
        Identity caller = Identity.ZERO;
        ConnectionId connectionId = ConnectionId.NONE;
        Call call = new Call("", 0, EncodedValue.EMPTY, 0);
        long energy = 0;
        long duration = 0;
        JsonReader.Fields fields = in.fields(
                "status", "timestamp", "caller_identity", "caller_connection_id", "reducer_call", "energy_quanta_used",
                "total_host_execution_duration");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> outcome = readStatus(in);
                case 1 -> timestamp = readTimestamp(in);
                case 2 -> caller = in.readIdentity();
                case 3 -> connectionId = in.readConnectionId();
                case 4 -> call = readCall(in);
                case 5 -> energy = in.single("quanta", JsonReader::readU128Saturated);
                default -> duration = readDuration(in);
            }
        }
        return V1.transactionUpdate(
                new ReducerCall(
                        timestamp, caller, connectionId, call.reducerName, call.reducerId, call.arguments, call.requestId, energy,
                        duration, true),
                outcome);
    }

    private static ReducerOutcome readStatus(JsonReader in) {
        return in.variant(name -> switch (name) {
            case "Committed" -> new ReducerOutcome.Committed(V1.querySets(readTables(in)));
            case "Failed" -> new ReducerOutcome.Failed(in.readString());
            case "OutOfEnergy" -> {
                in.readUnit();
                yield new ReducerOutcome.OutOfEnergy();
            }
            default -> throw in.error("unknown variant `" + name + "`");
        });
    }

    private static Call readCall(JsonReader in) {
        String name = "";
        int id = 0;
        String arguments = "";
        int requestId = 0;
        JsonReader.Fields fields = in.fields("reducer_name", "reducer_id", "args", "request_id");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> name = in.readString();
                case 1 -> id = in.readU32();
                case 2 -> arguments = in.readString();
                default -> requestId = in.readU32();
            }
        }
        return new Call(name, id, EncodedValue.ofJson(arguments), requestId);
    }

    private static ProcedureResult readProcedureResult(JsonReader in) {
        ProcedureOutcome outcome = new ProcedureOutcome.OutOfEnergy();
        long timestamp = 0;
        long duration = 0;
        int requestId = 0;
        JsonReader.Fields fields = in.fields("status", "timestamp", "total_host_execution_duration", "request_id");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> outcome = readProcedureStatus(in);
                case 1 -> timestamp = readTimestamp(in);
                case 2 -> duration = readDuration(in);
                default -> requestId = in.readU32();
            }
        }
        return new ProcedureResult(requestId, outcome, timestamp, duration);
    }

    private static ProcedureOutcome readProcedureStatus(JsonReader in) {
        return in.variant(name -> switch (name) {
            case "Returned" -> new ProcedureOutcome.Returned(EncodedValue.ofJson(in.readString()));
            case "InternalError" -> new ProcedureOutcome.InternalError(in.readString());
            case "OutOfEnergy" -> {
                in.readUnit();
                yield new ProcedureOutcome.OutOfEnergy();
            }
            default -> throw in.error("unknown variant `" + name + "`");
        });
    }

    private static OneOffResult readOneOffResult(JsonReader in) {
        byte[] messageId = {};
        Optional<String> error = Optional.empty();
        List<QueryOutcome.Rows> tables = List.of();
        long duration = 0;
        JsonReader.Fields fields = in.fields("message_id", "error", "tables", "total_host_execution_duration");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> messageId = in.readBytes();
                case 1 -> error = in.option(JsonReader::readString);
                case 2 -> tables = in.array(V1JsonServerCodec::readOneOffTable);
                default -> duration = readDuration(in);
            }
        }
        return new OneOffResult(0, messageId, V1ServerCodec.outcome(error, tables), duration);
    }

    private static QueryOutcome.Rows readOneOffTable(JsonReader in) {
        String name = "";
        RowList rows = RowList.EMPTY;
        JsonReader.Fields fields = in.fields("table_name", "rows");
        for (int i; (i = fields.next()) >= 0; ) {
            switch (i) {
                case 0 -> name = in.readString();
                default -> rows = JsonPieces.readRows(in);
            }
        }
        return new QueryOutcome.Rows(name, Fragment.inserts(rows, RowJson.VERBATIM));
    }
}
