package dev.geodesic.protocol;

import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.RowList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;

/**
 * Binary server messages as the vectors' {@code decoded} member shows them, written from the specification and the vectors
 * alone: a decoder and an encoder that make the same mistake are caught by it. Also what tests compare messages by.
 */
final class Rendering {

    private final JsonWriter out = new JsonWriter();
    private final boolean v1;

    private Rendering(boolean v1) {
        this.v1 = v1;
    }

    static String of(Subprotocol subprotocol, List<ServerMessage> messages) {
        Rendering rendering = new Rendering(subprotocol.isV1());
        rendering.out.beginArray();
        for (ServerMessage message : messages) {
            rendering.out.beginObject();
            if (rendering.v1) {
                rendering.v1(message);
            } else {
                rendering.v2(message);
            }
            rendering.out.endObject();
        }
        rendering.out.endArray();
        return rendering.out.toString();
    }

    private void u32(String key, int v) {
        out.key(key).number(Integer.toUnsignedLong(v));
    }

    private void id(String key, int v) {
        out.key(key).beginObject().key("id").number(Integer.toUnsignedLong(v)).endObject();
    }

    private void hex(String key, byte[] bytes) {
        out.key(key).string(HexFormat.of().formatHex(bytes));
    }

    private void option(String key, OptionalInt v) {
        out.key(key).beginObject();
        if (v.isPresent()) {
            u32("some", v.getAsInt());
        } else {
            out.key("none").beginArray().endArray();
        }
        out.endObject();
    }

    private void rows(String key, RowList rows) {
        out.key(key).beginObject().key("size_hint").beginObject();
        if (rows.fixedRowSize() > 0) {
            out.key("FixedSize").number(rows.fixedRowSize());
        } else {
            out.key("RowOffsets").beginArray();
            for (int i = 0; i < rows.count(); i++) {
                out.number(rows.rowOffset(i));
            }
            out.endArray();
        }
        out.endObject();
        hex("rows_data", Arrays.copyOf(rows.data(), rows.dataLength()));
        out.endObject();
    }

    private void v1(ServerMessage message) {
        switch (message) {
            case ServerMessage.InitialConnection m -> {
                out.key("IdentityToken").beginObject();
                out.key("identity").string(m.identity().toHex());
                out.key("token").string(m.token());
                out.key("connection_id").string(m.connectionId().toHex());
            }
            case ServerMessage.SubscribeApplied m when m.kind() == SubscriptionKind.LEGACY -> {
                out.key("InitialSubscription").beginObject();
                databaseUpdate("database_update", m.tables());
                u32("request_id", m.requestId());
                out.key("total_host_execution_duration").number(m.durationMicros());
            }
            case ServerMessage.SubscribeApplied m -> applied(
                    m.kind(), "SubscribeApplied", "SubscribeMultiApplied", m.requestId(), m.durationMicros(), m.querySetId(),
                    m.tables());
            case ServerMessage.UnsubscribeApplied m -> applied(
                    m.kind(), "UnsubscribeApplied", "UnsubscribeMultiApplied", m.requestId(), m.durationMicros(),
                    m.querySetId(), m.tables().get());
            case ServerMessage.SubscriptionError m -> {
                out.key("SubscriptionError").beginObject();
                out.key("total_host_execution_duration_micros").number(m.durationMicros());
                option("request_id", m.requestId());
                option("query_id", m.querySetId());
                option("table_id", m.tableId());
                out.key("error").string(m.error());
            }
            case ServerMessage.TransactionUpdate m when m.call().isPresent() ->
                transactionUpdate(m.call().get(), new ReducerOutcome.Committed(m.querySets()));
            case ServerMessage.TransactionUpdate m -> {
                out.key("TransactionUpdateLight").beginObject();
                u32("request_id", m.requestId());
                databaseUpdate("update", tables(m.querySets()));
            }
            case ServerMessage.ReducerResult m -> transactionUpdate(m.call(), m.outcome());
            case ServerMessage.ProcedureResult m -> procedureResult(m);
            case ServerMessage.OneOffResult m -> {
                out.key("OneOffQueryResponse").beginObject();
                hex("message_id", m.messageId());
                out.key("error").beginObject();
                if (m.outcome() instanceof QueryOutcome.Failed failed) {
                    out.key("some").string(failed.error());
                } else {
                    out.key("none").beginArray().endArray();
                }
                out.endObject().key("tables").beginArray();
                if (m.outcome() instanceof QueryOutcome.Rows rows) {
                    out.beginObject().key("table_name").string(rows.tableName());
                    rows("rows", rows.rows().inserts());
                    out.endObject();
                }
                out.endArray().key("total_host_execution_duration").number(m.durationMicros());
            }
            case ServerMessage.SubscribeBatchApplied m -> throw new AssertionError();
            case ServerMessage.Shared m -> throw new AssertionError();
        }
        out.endObject();
    }

    private void applied(
            SubscriptionKind kind, String single, String multi, int requestId, long micros, int setId, List<TableUpdate> tables) {
        boolean one = kind == SubscriptionKind.SINGLE;
        out.key(one ? single : multi).beginObject();
        u32("request_id", requestId);
        out.key("total_host_execution_duration_micros").number(micros);
        id("query_id", setId);
        if (one) {
            TableUpdate table = tables.getFirst();
            out.key("rows").beginObject();
            u32("table_id", table.tableId());
            out.key("table_name").string(table.tableName());
            out.key("table_rows");
            tableUpdateV1(table);
            out.endObject();
        } else {
            databaseUpdate("update", tables);
        }
    }

    private static List<TableUpdate> tables(List<QuerySetUpdate> sets) {
        return sets.stream().flatMap(set -> set.tables().stream()).toList();
    }

    private void databaseUpdate(String key, List<TableUpdate> tables) {
        out.key(key).beginObject().key("tables").beginArray();
        tables.forEach(this::tableUpdateV1);
        out.endArray().endObject();
    }

    private void tableUpdateV1(TableUpdate table) {
        out.beginObject();
        u32("table_id", table.tableId());
        out.key("table_name").string(table.tableName());
        out.key("num_rows").number(table.fragments().stream().mapToLong(Fragment::rowCount).sum());
        out.key("updates").beginArray();
        for (Fragment fragment : table.fragments()) {
            out.beginObject().key("Uncompressed").beginObject();
            rows("deletes", fragment.deletes());
            rows("inserts", fragment.inserts());
            out.endObject().endObject();
        }
        out.endArray().endObject();
    }

    private void transactionUpdate(ReducerCall call, ReducerOutcome outcome) {
        out.key("TransactionUpdate").beginObject().key("status").beginObject();
        switch (outcome) {
            case ReducerOutcome.Committed committed -> databaseUpdate("Committed", tables(committed.querySets()));
            case ReducerOutcome.Failed failed -> out.key("Failed").string(failed.error());
            case ReducerOutcome.InternalError error -> out.key("Failed").string(error.error());
            case ReducerOutcome.OutOfEnergy o -> out.key("OutOfEnergy").beginArray().endArray();
        }
        out.endObject().key("timestamp").number(call.timestampMicros());
        out.key("caller_identity").string(call.caller().toHex());
        out.key("caller_connection_id").string(call.connectionId().toHex());
        out.key("reducer_call").beginObject().key("reducer_name").string(call.reducerName());
        u32("reducer_id", call.reducerId());
        hex("args", call.arguments().bsatn());
        u32("request_id", call.requestId());
        out.endObject().key("energy_quanta_used").unsigned(call.energyQuanta());
        out.key("total_host_execution_duration").number(call.durationMicros());
    }

    private void procedureResult(ServerMessage.ProcedureResult m) {
        out.key("ProcedureResult").beginObject().key("status").beginObject();
        switch (m.outcome()) {
            case ProcedureOutcome.Returned returned -> hex("Returned", returned.value().bsatn());
            case ProcedureOutcome.InternalError error -> out.key("InternalError").string(error.error());
            case ProcedureOutcome.OutOfEnergy o -> out.key("OutOfEnergy").beginArray().endArray();
        }
        out.endObject().key("timestamp").number(m.timestampMicros());
        out.key("total_host_execution_duration").number(m.durationMicros());
        u32("request_id", m.requestId());
    }

    private void v2(ServerMessage message) {
        switch (message) {
            case ServerMessage.InitialConnection m -> {
                out.key("InitialConnection").beginObject();
                out.key("identity").string(m.identity().toHex());
                out.key("connection_id").string(m.connectionId().toHex());
                out.key("token").string(m.token());
            }
            case ServerMessage.SubscribeApplied m -> {
                out.key("SubscribeApplied").beginObject();
                u32("request_id", m.requestId());
                id("query_set_id", m.querySetId());
                queryRows("rows", m.tables(), false);
            }
            case ServerMessage.UnsubscribeApplied m -> {
                out.key("UnsubscribeApplied").beginObject();
                u32("request_id", m.requestId());
                id("query_set_id", m.querySetId());
                out.key("rows").beginObject();
                m.tables().ifPresentOrElse(
                        tables -> queryRows("some", tables, true), () -> out.key("none").beginArray().endArray());
                out.endObject();
            }
            case ServerMessage.SubscriptionError m -> {
                out.key("SubscriptionError").beginObject();
                option("request_id", m.requestId());
                id("query_set_id", m.querySetId().getAsInt());
                out.key("error").string(m.error());
            }
            case ServerMessage.TransactionUpdate m -> {
                out.key("TransactionUpdate").beginObject();
                querySets(m.querySets());
            }
            case ServerMessage.OneOffResult m -> {
                out.key("OneOffQueryResult").beginObject();
                u32("request_id", m.requestId());
                out.key("result").beginObject();
                switch (m.outcome()) {
                    case QueryOutcome.Rows rows ->
                        queryRows("ok", List.of(TableUpdate.of(0, rows.tableName(), rows.rows())), false);
                    case QueryOutcome.Failed failed -> out.key("err").string(failed.error());
                }
                out.endObject();
            }
            case ServerMessage.ReducerResult m -> {
                out.key("ReducerResult").beginObject();
                u32("request_id", m.call().requestId());
                out.key("timestamp").number(m.call().timestampMicros());
                out.key("result").beginObject();
                switch (m.outcome()) {
                    case ReducerOutcome.Committed committed -> {
                        out.key("Ok").beginObject();
                        hex("ret_value", committed.returnValue());
                        out.key("transaction_update").beginObject();
                        querySets(committed.querySets());
                        out.endObject().endObject();
                    }
                    case ReducerOutcome.Failed failed -> {
                        BsatnWriter error = new BsatnWriter();
                        error.writeString(failed.error());
                        hex("Err", error.toByteArray());
                    }
                    case ReducerOutcome.InternalError error -> out.key("InternalError").string(error.error());
                    case ReducerOutcome.OutOfEnergy o -> out.key("InternalError").string(ReducerOutcome.OUT_OF_ENERGY_TEXT);
                }
                out.endObject();
            }
            case ServerMessage.ProcedureResult m -> procedureResult(m);
            case ServerMessage.SubscribeBatchApplied m -> {
                out.key("SubscribeBatchApplied").beginObject();
                u32("request_id", m.requestId());
                out.key("results").beginArray();
                for (ServerMessage.SetOutcome result : m.results()) {
                    out.beginObject();
                    id("query_set_id", result.querySetId());
                    switch (result) {
                        case ServerMessage.SetOutcome.Applied applied -> queryRows("Applied", applied.tables(), false);
                        case ServerMessage.SetOutcome.Failed failed -> out.key("Error").string(failed.error());
                    }
                    out.endObject();
                }
                out.endArray();
            }
            case ServerMessage.Shared m -> throw new AssertionError();
        }
        out.endObject();
    }

    private void queryRows(String key, List<TableUpdate> tables, boolean deletes) {
        out.key(key).beginObject().key("tables").beginArray();
        for (TableUpdate table : tables) {
            for (Fragment fragment : table.fragments()) {
                out.beginObject().key("table").string(table.tableName());
                rows("rows", deletes ? fragment.deletes() : fragment.inserts());
                out.endObject();
            }
        }
        out.endArray().endObject();
    }

    private void querySets(List<QuerySetUpdate> sets) {
        out.key("query_sets").beginArray();
        for (QuerySetUpdate set : sets) {
            out.beginObject();
            id("query_set_id", set.querySetId());
            out.key("tables").beginArray();
            for (TableUpdate table : set.tables()) {
                out.beginObject().key("table_name").string(table.tableName()).key("rows").beginArray();
                for (Fragment fragment : table.fragments()) {
                    out.beginObject();
                    if (fragment.isEvent()) {
                        out.key("EventTable").beginObject();
                        rows("events", fragment.inserts());
                    } else {
                        out.key("PersistentTable").beginObject();
                        rows("inserts", fragment.inserts());
                        rows("deletes", fragment.deletes());
                    }
                    out.endObject().endObject();
                }
                out.endArray().endObject();
            }
            out.endArray().endObject();
        }
        out.endArray();
    }
}
