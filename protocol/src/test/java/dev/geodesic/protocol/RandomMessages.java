package dev.geodesic.protocol;

import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.RowJson;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.RowList;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.Supplier;

/** Any message that a subprotocol can carry, from a seed. */
final class RandomMessages {

    private final Random random;
    private final Subprotocol subprotocol;

    RandomMessages(Subprotocol subprotocol, long seed) {
        this.subprotocol = subprotocol;
        this.random = new Random(seed);
    }

    private <T> List<T> list(int max, Supplier<T> element) {
        List<T> list = new ArrayList<>();
        for (int i = random.nextInt(max + 1); i > 0; i--) {
            list.add(element.get());
        }
        return list;
    }

    private byte[] bytes(int max) {
        byte[] bytes = new byte[random.nextInt(max + 1)];
        random.nextBytes(bytes);
        return bytes;
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            text.appendCodePoint(switch (random.nextInt(4)) {
                case 0 -> random.nextInt(0x20);
                case 1 -> "\"\\/\u007f\u2028ü\ud7ff\ufffd".charAt(random.nextInt(8));
                case 2 -> 0x1f600 + random.nextInt(16);
                default -> 'a' + random.nextInt(26);
            });
        }
        return text.toString();
    }

    private int id() {
        return random.nextInt();
    }

    private OptionalInt optionalId() {
        return random.nextBoolean() ? OptionalInt.of(id()) : OptionalInt.empty();
    }

    private long micros() {
        return random.nextLong() >>> 1 + random.nextInt(40);
    }

    private Identity identity() {
        return random.nextInt(4) == 0
                ? new Identity(random.nextInt(17), 0, 0, 0)
                : new Identity(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    private ConnectionId connectionId() {
        return random.nextInt(4) == 0 ? ConnectionId.NONE : new ConnectionId(random.nextLong(), random.nextLong());
    }

    private RowList rows() {
        RowList.Builder rows = new RowList.Builder();
        int size = random.nextInt(40);
        boolean fixed = random.nextBoolean();
        for (int i = random.nextInt(5); i > 0; i--) {
            byte[] row = subprotocol.isText() ? text().getBytes(StandardCharsets.UTF_8) : bytes(40);
            rows.add(fixed && !subprotocol.isText() ? new byte[size] : row);
        }
        return rows.build();
    }

    private RowJson rowJson() {
        return subprotocol.isText() ? RowJson.VERBATIM : RowJson.NONE;
    }

    private Fragment change() {
        return !subprotocol.isV1() && random.nextInt(3) == 0
                ? Fragment.events(rows())
                : Fragment.of(rows(), rows(), rowJson());
    }

    private List<TableUpdate> tables(Supplier<Fragment> fragment) {
        // v2 puts each query's rows into an entry of their own, so one fragment is what comes back.
        return list(3, () -> subprotocol.isV1()
                ? new TableUpdate(id(), text(), list(2, fragment))
                : TableUpdate.of(0, text(), fragment.get()));
    }

    private List<TableUpdate> tables(SubscriptionKind kind, Supplier<Fragment> fragment) {
        return kind == SubscriptionKind.SINGLE
                ? List.of(TableUpdate.of(id(), text(), fragment.get()))
                : tables(fragment);
    }

    private List<QuerySetUpdate> querySets() {
        Supplier<TableUpdate> table = () -> new TableUpdate(0, text(), list(2, this::change));
        if (!subprotocol.isV1()) {
            return list(3, () -> new QuerySetUpdate(id(), list(2, table)));
        }
        List<TableUpdate> tables = tables(this::change);
        return tables.isEmpty() ? List.of() : List.of(new QuerySetUpdate(0, tables));
    }

    private EncodedValue value() {
        return subprotocol.isText() ? EncodedValue.ofJson(text()) : EncodedValue.ofBsatn(bytes(20));
    }

    private ReducerCall call() {
        return new ReducerCall(
                random.nextLong(), identity(), connectionId(), text(), id(), value(), id(), random.nextLong(), micros(), true);
    }

    private SubscriptionKind kind(boolean legacy) {
        return !subprotocol.isV1() ? SubscriptionKind.SET
                : SubscriptionKind.values()[legacy ? random.nextInt(3) : 1 + random.nextInt(2)];
    }

    ServerMessage server() {
        return switch (random.nextInt(subprotocol.isV1() ? 8 : 9)) {
            case 8 -> new ServerMessage.SubscribeBatchApplied(id(), list(3, () -> random.nextBoolean()
                    ? new ServerMessage.SetOutcome.Failed(id(), text())
                    : new ServerMessage.SetOutcome.Applied(id(), tables(() -> Fragment.inserts(rows(), rowJson())))));
            case 0 -> new ServerMessage.InitialConnection(identity(), connectionId(), text());
            case 1 -> {
                SubscriptionKind kind = kind(true);
                yield new ServerMessage.SubscribeApplied(
                        kind, id(), kind == SubscriptionKind.LEGACY ? 0 : id(),
                        tables(kind, () -> Fragment.inserts(rows(), rowJson())), subprotocol.isV1() ? micros() : 0);
            }
            case 2 -> {
                SubscriptionKind kind = kind(false);
                Supplier<Fragment> fragment = () -> Fragment.deletes(rows(), rowJson());
                yield new ServerMessage.UnsubscribeApplied(
                        kind, id(), id(),
                        !subprotocol.isV1() && random.nextBoolean() ? Optional.empty() : Optional.of(tables(kind, fragment)),
                        subprotocol.isV1() ? micros() : 0);
            }
            case 3 -> subprotocol.isV1()
                    ? new ServerMessage.SubscriptionError(optionalId(), optionalId(), optionalId(), text(), micros())
                    : new ServerMessage.SubscriptionError(optionalId(), OptionalInt.of(id()), text(), 0);
            case 4 -> {
                if (subprotocol.isV1() && random.nextBoolean()) {
                    ReducerCall call = call();
                    yield new ServerMessage.TransactionUpdate(Optional.of(call), call.requestId(), querySets());
                }
                yield new ServerMessage.TransactionUpdate(subprotocol.isV1() ? id() : 0, querySets());
            }
            case 5 -> new ServerMessage.ReducerResult(call(), switch (random.nextInt(4)) {
                case 0 -> new ReducerOutcome.Committed(querySets());
                case 1 -> new ReducerOutcome.Failed(text());
                case 2 -> new ReducerOutcome.InternalError(text());
                default -> new ReducerOutcome.OutOfEnergy();
            });
            case 6 -> new ServerMessage.ProcedureResult(id(), switch (random.nextInt(3)) {
                case 0 -> new ProcedureOutcome.Returned(value());
                case 1 -> new ProcedureOutcome.InternalError(text());
                default -> subprotocol.isV1() ? new ProcedureOutcome.OutOfEnergy() : new ProcedureOutcome.InternalError(text());
            }, random.nextLong(), micros());
            default -> new ServerMessage.OneOffResult(
                    subprotocol.isV1() ? 0 : id(),
                    subprotocol.isV1() ? bytes(16) : new byte[0],
                    random.nextBoolean()
                            ? new QueryOutcome.Failed(text())
                            : new QueryOutcome.Rows(text(), Fragment.inserts(rows(), rowJson())),
                    subprotocol.isV1() ? micros() : 0);
        };
    }

    private Arguments arguments() {
        return subprotocol.isText() ? new Arguments.Json(text()) : new Arguments.Bsatn(bytes(20));
    }

    ClientMessage client() {
        return switch (random.nextInt(subprotocol.isV1() ? 5 : 6)) {
            case 5 -> new ClientMessage.SubscribeBatch(
                    id(), list(3, () -> new ClientMessage.QuerySet(id(), list(3, this::text))));
            case 0 -> new ClientMessage.CallReducer(
                    text(), arguments(), id(), !subprotocol.isV1() || random.nextBoolean());
            case 1 -> new ClientMessage.CallProcedure(text(), arguments(), id());
            case 2 -> {
                SubscriptionKind kind = kind(true);
                yield new ClientMessage.Subscribe(
                        kind, id(), kind == SubscriptionKind.LEGACY ? 0 : id(),
                        kind == SubscriptionKind.SINGLE ? List.of(text()) : list(4, this::text));
            }
            case 3 -> new ClientMessage.Unsubscribe(kind(false), id(), id(), subprotocol.isV1() || random.nextBoolean());
            default -> new ClientMessage.OneOffQuery(
                    subprotocol.isV1() ? 0 : id(), subprotocol.isV1() ? bytes(16) : new byte[0], text());
        };
    }

    /** Between one and {@code max} server messages. */
    List<ServerMessage> servers(int max) {
        List<ServerMessage> messages = list(max - 1, this::server);
        messages.add(server());
        return messages;
    }
}
