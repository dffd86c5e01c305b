package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.SelectPlan;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.sats.RowList;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All subscriptions of one database. Writer thread only. */
public final class Subscriptions {

    private final Limits limits;
    private final Map<String, Plan> plans = new HashMap<>();
    private final Int2ObjectOpenHashMap<TablePlans> byTable = new Int2ObjectOpenHashMap<>();
    private final List<Plan> changed = new ArrayList<>();
    private final List<Subscriber> affected = new ArrayList<>();
    private final Map<SharedKey, ServerMessage> shared = new HashMap<>();

    /** Subscribers that see the same fragments under the same ids get the same message object. */
    private record SharedKey(boolean v1, boolean named, List<Subscriber.Hit> hits) {
    }

    public Subscriptions(Limits limits) {
        this.limits = limits;
    }

    /**
     * Registers a query set and returns its rows at this moment, by table.
     *
     * @throws EngineException SUBSCRIPTION_EXISTS if the id is in use, LIMIT_EXCEEDED if the connection watches too much;
     *     nothing is registered then
     */
    public List<TableUpdate> subscribe(
            Subscriber subscriber, SubscriptionKind kind, int setId, Collection<SubscriptionQuery> queries, ReadView view) {
        if (kind != SubscriptionKind.LEGACY && subscriber.set(setId) != null) {
            throw new EngineException(
                    ErrorCode.SUBSCRIPTION_EXISTS,
                    "Subscription with id QuerySetId { id: " + Integer.toUnsignedString(setId)
                            + " } already exists for this client");
        }
        Map<String, SubscriptionQuery> distinct = new LinkedHashMap<>();
        queries.forEach(q -> distinct.putIfAbsent(q.key(), q));
        int replaced = kind == SubscriptionKind.LEGACY && subscriber.legacy() != null ? subscriber.legacy().plans().size() : 0;
        if (subscriber.queryCount() - replaced + distinct.size() > limits.subscriptionQueriesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the connection would watch more queries than the limit subscription-queries-max of "
                            + limits.subscriptionQueriesMax());
        }
        if (replaced > 0) {
            drop(subscriber, subscriber.legacy(), new ArrayList<>());
        }
        int group = subscriber.group(kind, setId);
        List<Plan> set = new ArrayList<>(distinct.size());
        List<Plan> answered = new ArrayList<>(distinct.size());
        distinct.forEach((key, query) -> {
            Plan plan = plans.computeIfAbsent(key, k -> open(query, view));
            set.add(plan);
            Watch watch = subscriber.watches()
                    .computeIfAbsent(new Subscriber.WatchKey(plan, group), k -> new Watch(subscriber, group));
            boolean first = watch.hold();
            plan.watches().add(watch);
            // v1 counts queries, not query sets (spec/websocket.md 5.3).
            if (first || kind != SubscriptionKind.MULTI) {
                answered.add(plan);
            }
        });
        subscriber.put(new Subscriber.QuerySet(setId, kind, set));
        return rows(answered, view, true);
    }

    private Plan open(SubscriptionQuery query, ReadView view) {
        TablePlans table = byTable.computeIfAbsent(
                query.tableId(), t -> new TablePlans(TableRows.of(view.table(query.tableId()).orElseThrow())));
        Plan plan = new Plan(query, table.rows());
        table.add(plan);
        return plan;
    }

    /**
     * Ends a query set.
     *
     * @param withRows whether to return the rows that leave with it
     * @throws EngineException NO_SUCH_SUBSCRIPTION
     */
    public Optional<List<TableUpdate>> unsubscribe(Subscriber subscriber, int setId, boolean withRows, ReadView view) {
        Subscriber.QuerySet set = subscriber.set(setId);
        if (set == null) {
            throw new EngineException(
                    ErrorCode.NO_SUCH_SUBSCRIPTION,
                    "Subscription not found: QuerySetId { id: " + Integer.toUnsignedString(setId) + " }");
        }
        List<Plan> left = new ArrayList<>();
        drop(subscriber, set, left);
        return withRows ? Optional.of(rows(left, view, false)) : Optional.empty();
    }

    private void drop(Subscriber subscriber, Subscriber.QuerySet set, List<Plan> left) {
        int group = subscriber.group(set.kind(), set.id());
        for (Plan plan : set.plans()) {
            Subscriber.WatchKey key = new Subscriber.WatchKey(plan, group);
            Watch watch = subscriber.watches().get(key);
            if (watch.release()) {
                left.add(plan);
                subscriber.watches().remove(key);
                plan.watches().remove(watch);
                if (plan.watches().isEmpty()) {
                    close(plan);
                }
            }
        }
        subscriber.remove(set);
    }

    private void close(Plan plan) {
        plans.remove(plan.query().key());
        TablePlans table = byTable.get(plan.query().tableId());
        table.remove(plan);
        if (table.isEmpty()) {
            byTable.remove(plan.query().tableId());
        }
    }

    /** The connection is gone. */
    public void remove(Subscriber subscriber) {
        subscriber.allSets().forEach(s -> drop(subscriber, s, new ArrayList<>()));
    }

    /** The rows of a query that nobody watches. */
    public QueryOutcome oneOff(SelectPlan query, ReadView view) {
        TableRows table = TableRows.of(query.table());
        RowList.Builder rows = new RowList.Builder();
        query.execute(view, (segment, offset, length) -> Plan.append(rows, segment, offset, length));
        return new QueryOutcome.Rows(table.tableName(), Fragment.inserts(rows.build(), table.storedJson()));
    }

    /** Number of distinct queries. */
    public int planCount() {
        return plans.size();
    }

    private List<TableUpdate> rows(List<Plan> of, ReadView view, boolean inserts) {
        Map<TableRows, List<Fragment>> byTable = new LinkedHashMap<>();
        for (Plan plan : new LinkedHashSet<>(of)) {
            RowList rows = plan.currentRows(view, limits);
            byTable.computeIfAbsent(plan.rows(), t -> new ArrayList<>())
                    .add(inserts
                            ? Fragment.inserts(rows, plan.rows().storedJson())
                            : Fragment.deletes(rows, plan.rows().storedJson()));
        }
        List<TableUpdate> tables = new ArrayList<>(byTable.size());
        byTable.forEach((t, fragments) -> tables.add(new TableUpdate(t.tableId(), t.tableName(), fragments)));
        return tables;
    }

    /**
     * Tells everybody what a transaction changed. It has been applied, and no other one since.
     *
     * @param cause the call behind it
     * @param nameCaller whether v1 subscribers learn of the call
     * @param caller subscriber that gets its own part as the return value instead of a message, or null
     * @return the caller's part
     */
    public List<QuerySetUpdate> broadcast(
            TxData data, long txOffset, ReducerCall cause, boolean nameCaller, Subscriber caller) {
        if (!byTable.isEmpty()) {
            for (TxData.TableChange change : data.changes()) {
                collect(change);
            }
            for (Plan plan : changed) {
                Fragment fragment = plan.takeFragment();
                for (Watch watch : plan.watches()) {
                    if (watch.subscriber().hit(watch.group(), plan.rows(), fragment)) {
                        affected.add(watch.subscriber());
                    }
                }
            }
            changed.clear();
        }
        List<QuerySetUpdate> own = caller == null ? List.of() : caller.takeUpdates();
        for (Subscriber subscriber : affected) {
            if (subscriber != caller) {
                subscriber.dependsOn(txOffset);
                subscriber.sink().send(message(subscriber, cause, nameCaller));
            }
        }
        affected.clear();
        shared.clear();
        return own;
    }

    private void collect(TxData.TableChange change) {
        Table table = change.table();
        TablePlans tablePlans = byTable.get(table.id());
        if (tablePlans == null) {
            return;
        }
        RowPointers deletes = change.deletes();
        for (int i = 0; i < deletes.size(); i++) {
            tablePlans.change(table.layout(), table.store(), deletes.get(i), false, changed);
        }
        RowPointers inserts = change.inserts();
        for (int i = 0; i < inserts.size(); i++) {
            tablePlans.change(table.layout(), table.store(), inserts.get(i), true, changed);
        }
    }

    private ServerMessage message(Subscriber subscriber, ReducerCall cause, boolean nameCaller) {
        boolean named = subscriber.isV1() && nameCaller && !subscriber.isLight();
        SharedKey key = new SharedKey(subscriber.isV1(), named, List.copyOf(subscriber.hits()));
        ServerMessage message = shared.get(key);
        List<QuerySetUpdate> updates = message == null ? subscriber.takeUpdates() : null;
        if (message == null) {
            message = new ServerMessage.Shared(named
                    ? new ServerMessage.TransactionUpdate(Optional.of(cause), cause.requestId(), updates)
                    : new ServerMessage.TransactionUpdate(cause.requestId(), updates));
            shared.put(key, message);
        } else {
            subscriber.hits().clear();
        }
        return message;
    }
}
