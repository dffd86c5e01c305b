package dev.geodesic.it.ws;

import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.RowList;
import dev.geodesic.sats.SatsJson;
import dev.geodesic.sats.SpecialTypes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Messages of the server in words, without times and ids that differ from run to run. Rows are JSON arrays with {@code +}
 * or {@code -} and the table's name in front: {@code member+[1,1,"ann",true]}; those of a query in braces, with the id of
 * the query set before them where the protocol tells it: <code>update 1{team+[3,"green"]}</code>.
 *
 * @param self first message of the receiving connection: tells its own calls from others' in version 1
 * @param hidden tables whose rows are left out, and updates that are about nothing else
 * @param sorted whether rows come in the order of their text
 */
record Show(ServerMessage.InitialConnection self, Set<String> hidden, boolean sorted) {

    private static final PrimitiveType U32 = PrimitiveType.U32;
    private static final PrimitiveType U64 = PrimitiveType.U64;
    private static final PrimitiveType STRING = PrimitiveType.STRING;
    private static final AlgebraicType TIMER = row(U64, SpecialTypes.SCHEDULE_AT, STRING, STRING);
    private static final AlgebraicType TAG = row(U64, STRING);
    private static final AlgebraicType ITEM = row(U32, SpecialTypes.IDENTITY, U32, PrimitiveType.I32, STRING);
    private static final AlgebraicType NAME = row(U32, STRING);
    private static final AlgebraicType MEMBER = row(U32, U32, STRING, PrimitiveType.BOOL);
    private static final AlgebraicType NOTE = row(U64, SpecialTypes.IDENTITY, STRING);
    private static final Map<String, AlgebraicType> ROW_TYPES = Map.ofEntries(
            Map.entry("team", NAME),
            Map.entry("member", MEMBER), Map.entry("red_members", MEMBER), Map.entry("active_members", MEMBER),
            Map.entry("note", NOTE), Map.entry("my_notes", NOTE),
            Map.entry("secret", NAME),
            Map.entry("flash", row(STRING, U64)),
            Map.entry("blob", NAME),
            // of the feature modules
            Map.entry("timer", TIMER), Map.entry("timers_watched", TIMER), Map.entry("timers_all", TIMER),
            Map.entry("task", TIMER), Map.entry("tasks_all", TIMER),
            Map.entry("timer_tag", TAG), Map.entry("tags_of_timers", TAG),
            Map.entry("tick", row(U64, STRING, U64, SpecialTypes.TIMESTAMP, PrimitiveType.BOOL, PrimitiveType.BOOL)),
            Map.entry("item", ITEM), Map.entry("items_of_kind_one", ITEM), Map.entry("heavy_items", ITEM),
            Map.entry("my_items", ITEM), Map.entry("light_items", ITEM), Map.entry("my_first_item", NAME),
            Map.entry("moody", NAME), Map.entry("one_key", NAME), Map.entry("keyed_items", NAME),
            Map.entry("my_keyed_items", NAME), Map.entry("item_count", row(U64)), Map.entry("how_many", row(U64)),
            Map.entry("spark", NAME), Map.entry("diary", row(U64, SpecialTypes.IDENTITY, STRING)),
            Map.entry("seat", row(U64, U32, SpecialTypes.IDENTITY)), Map.entry("post", row(U32, U32, STRING)),
            Map.entry("pile", TAG));
    /** Columns that are shown, where some differ from run to run. */
    private static final Map<String, List<Integer>> SHOWN = Map.ofEntries(
            Map.entry("timer", List.of(2, 3)), Map.entry("timers_watched", List.of(2, 3)), Map.entry("timers_all", List.of(2, 3)),
            Map.entry("task", List.of(2, 3)), Map.entry("tasks_all", List.of(2, 3)),
            Map.entry("timer_tag", List.of(1)), Map.entry("tags_of_timers", List.of(1)), Map.entry("tick", List.of(1, 4, 5)),
            Map.entry("item", List.of(0, 2, 3, 4)), Map.entry("items_of_kind_one", List.of(0, 2, 3, 4)),
            Map.entry("heavy_items", List.of(0, 2, 3, 4)), Map.entry("my_items", List.of(0, 2, 3, 4)),
            Map.entry("light_items", List.of(0, 2, 3, 4)), Map.entry("diary", List.of(2)), Map.entry("seat", List.of(1)));

    static String text(ServerMessage message, ServerMessage.InitialConnection self) {
        return new Show(self, Set.of(), false).text(message);
    }

    private static ProductType row(AlgebraicType... columns) {
        return new ProductType(Arrays.stream(columns).map(t -> new ProductElement(Optional.empty(), t)).toList());
    }

    String text(ServerMessage message) {
        return switch (message) {
            case ServerMessage.InitialConnection m -> "hello " + m.identity().toHex();
            case ServerMessage.SubscribeApplied m ->
                "applied " + m.requestId() + "/" + m.querySetId() + " {" + tables(m.tables()) + "}";
            case ServerMessage.SubscribeBatchApplied m -> "batch " + m.requestId() + m.results().stream()
                    .map(result -> " " + result.querySetId() + switch (result) {
                        case ServerMessage.SetOutcome.Applied applied -> "{" + tables(applied.tables()) + "}";
                        case ServerMessage.SetOutcome.Failed failed -> ": " + failed.error();
                    })
                    .collect(Collectors.joining());
            case ServerMessage.UnsubscribeApplied m -> "dropped " + m.requestId() + "/" + m.querySetId()
                    + m.tables().map(t -> " {" + tables(t) + "}").orElse(" without rows");
            case ServerMessage.SubscriptionError m -> "error " + id(m.requestId()) + "/" + id(m.querySetId()) + ": " + m.error();
            case ServerMessage.TransactionUpdate m when m.call().isEmpty() ->
                "update" + (m.requestId() == 0 ? "" : " " + m.requestId()) + sets(m.querySets());
            case ServerMessage.TransactionUpdate m when isOwn(m.call().get()) ->
                "result " + m.call().get().requestId() + " ok" + sets(m.querySets());
            case ServerMessage.TransactionUpdate m -> "update by " + caller(m.call().get()) + sets(m.querySets());
            case ServerMessage.ReducerResult m -> "result " + m.call().requestId() + " " + switch (m.outcome()) {
                case ReducerOutcome.Committed ok ->
                    "ok" + sets(ok.querySets()) + (ok.returnValue().length > 0 ? " with a value" : "");
                case ReducerOutcome.Failed failed -> "failed: " + failed.error();
                case ReducerOutcome.InternalError error -> "internal: " + error.error();
                case ReducerOutcome.OutOfEnergy energy -> "out of energy";
            };
            case ServerMessage.ProcedureResult m -> "procedure " + m.requestId() + " " + switch (m.outcome()) {
                case ProcedureOutcome.Returned returned -> "returned";
                case ProcedureOutcome.InternalError error -> "internal: " + error.error();
                case ProcedureOutcome.OutOfEnergy energy -> "out of energy";
            };
            case ServerMessage.OneOffResult m -> switch (m.outcome()) {
                case QueryOutcome.Rows rows -> "rows " + (m.requestId() + (m.messageId().length > 0 ? m.messageId()[0] : 0))
                            + " {" + tables(List.of(TableUpdate.of(0, rows.tableName(), rows.rows()))) + "}";
                case QueryOutcome.Failed failed -> "no rows: " + failed.error();
            };
            case ServerMessage.Shared m -> throw new AssertionError(m);
        };
    }

    private boolean isOwn(ReducerCall call) {
        return self != null && call.connectionId().equals(self.connectionId()) && call.caller().equals(self.identity());
    }

    private static String caller(ReducerCall call) {
        return call.reducerName() + " " + call.requestId();
    }

    private static String id(OptionalInt id) {
        return id.isPresent() ? Integer.toUnsignedString(id.getAsInt()) : "-";
    }

    private String sets(List<QuerySetUpdate> sets) {
        return sets.stream().filter(s -> s.tables().stream().anyMatch(this::isShown))
                .map(s -> " " + (s.querySetId() == 0 ? "" : s.querySetId()) + "{" + tables(s.tables()) + "}")
                .collect(Collectors.joining());
    }

    private boolean isShown(TableUpdate table) {
        return !hidden.contains(table.tableName());
    }

    private String tables(List<TableUpdate> tables) {
        Stream<String> rows = tables.stream().filter(this::isShown)
                .flatMap(t -> t.fragments().stream().flatMap(f -> fragment(t.tableName(), f)));
        return (sorted ? rows.sorted() : rows).collect(Collectors.joining(" "));
    }

    private static Stream<String> fragment(String table, Fragment fragment) {
        return Stream.concat(
                rows(table, fragment, fragment.deletes()).map(row -> table + "-" + row),
                rows(table, fragment, fragment.inserts()).map(row -> table + "+" + row));
    }

    private static Stream<String> rows(String table, Fragment fragment, RowList rows) {
        return IntStream.range(0, rows.count()).mapToObj(i -> {
            byte[] row = Arrays.copyOfRange(rows.data(), rows.rowOffset(i), rows.rowOffset(i) + rows.rowLength(i));
            if (fragment.rowJson() == RowJson.VERBATIM) {
                return positional(table, new String(row, StandardCharsets.UTF_8));
            }
            AlgebraicType type = ROW_TYPES.get(table);
            return type == null ? HexFormat.of().formatHex(row)
                    : positional(table, SatsJson.toString(type, row, SatsJson.Flavor.UNTYPED));
        });
    }

    /** Stored rows come as objects, those of updates as arrays. */
    private static String positional(String table, String row) {
        JsonValue value = Json.parse(row);
        List<JsonValue> columns = value instanceof JsonValue.JsonObject object
                ? object.members().stream().map(JsonValue.JsonObject.Member::value).toList()
                : ((JsonValue.JsonArray) value).items();
        List<Integer> shown = SHOWN.get(table);
        return new JsonWriter().write(new JsonValue.JsonArray(shown == null ? columns
                : shown.stream().map(columns::get).toList())).toString();
    }
}
