package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.SelectPlan;
import dev.geodesic.engine.query.Semijoin;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.query.TableDelta;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.ReadView;
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
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;

/** All subscriptions of one database. Writer thread only. */
public final class Subscriptions {

    private final Limits limits;
    private final ReadView committed;
    private final Map<String, Plan> plans = new HashMap<>();
    /** For those who count from outside. */
    private volatile int planCount;
    private final Int2ObjectOpenHashMap<TablePlans> byTable = new Int2ObjectOpenHashMap<>();
    private final Map<String, JoinPlans> joins = new HashMap<>();
    /** A join of a table with itself is in the list once. */
    private final Int2ObjectOpenHashMap<List<JoinPlans>> joinsByTable = new Int2ObjectOpenHashMap<>();
    private final Int2ObjectOpenHashMap<TableRows> tableRows = new Int2ObjectOpenHashMap<>();
    private final List<Plan> changed = new ArrayList<>();
    private final List<Subscriber> affected = new ArrayList<>();

    /** @param committed the tables between transactions */
    public Subscriptions(Limits limits, ReadView committed) {
        this.limits = limits;
        this.committed = committed;
    }

    /**
     * Registers a query set and returns its rows at this moment, by table.
     *
     * @throws EngineException as {@link #check}, and LIMIT_EXCEEDED if a join is too large; nothing is registered then
     */
    public List<TableUpdate> subscribe(
            Subscriber subscriber, SubscriptionKind kind, int setId, Collection<SubscriptionQuery> queries, ReadView view) {
        CheckedSet set = check(subscriber, kind, setId, queries);
        List<TableUpdate> rows = set.rows().read(view, limits);
        watch(set);
        return rows;
    }

    /**
     * Whether a query set may be registered, and what its first rows are.
     *
     * @throws EngineException SUBSCRIPTION_EXISTS if the id is in use, LIMIT_EXCEEDED if the connection watches too much
     */
    public CheckedSet check(
            Subscriber subscriber, SubscriptionKind kind, int setId, Collection<SubscriptionQuery> queries) {
        if (kind != SubscriptionKind.LEGACY && subscriber.set(setId) != null) {
            throw new EngineException(
                    ErrorCode.SUBSCRIPTION_EXISTS,
                    "Subscription with id QuerySetId { id: " + Integer.toUnsignedString(setId)
                            + " } already exists for this client");
        }
        Map<String, SubscriptionQuery> distinct = new LinkedHashMap<>();
        queries.forEach(q -> distinct.putIfAbsent(q.key(), q));
        boolean replaces = kind == SubscriptionKind.LEGACY && subscriber.legacy() != null;
        int replaced = replaces ? Subscriber.cost(subscriber.legacy().plans().size()) : 0;
        if (subscriber.queryCount() - replaced + Subscriber.cost(distinct.size()) > limits.subscriptionQueriesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the connection would watch more queries than the limit subscription-queries-max of "
                            + limits.subscriptionQueriesMax());
        }
        return new CheckedSet(
                subscriber, kind, setId, distinct, initialRows(subscriber, kind, subscriber.group(kind, setId), distinct));
    }

    /** Of the queries that are answered. v1 counts queries, not query sets (spec/websocket.md 5.3). */
    private SetRows initialRows(
            Subscriber subscriber, SubscriptionKind kind, int group, Map<String, SubscriptionQuery> queries) {
        List<SetRows.Part> parts = new ArrayList<>();
        queries.forEach((key, query) -> {
            Plan known = plans.get(key);
            boolean held = known != null && subscriber.watches().containsKey(new Subscriber.WatchKey(known, group));
            if (!held || kind != SubscriptionKind.MULTI) {
                parts.add(new SetRows.Part(query, known != null ? known.rows() : rowsOf(query)));
            }
        });
        return new SetRows(parts, true);
    }

    /** Registers a query set that has just been checked: its subscriber learns of every transaction from now on. */
    public void watch(CheckedSet checked) {
        Subscriber subscriber = checked.subscriber;
        if (checked.kind == SubscriptionKind.LEGACY && subscriber.legacy() != null) {
            drop(subscriber, subscriber.legacy(), new ArrayList<>());
        }
        int group = subscriber.group(checked.kind, checked.setId);
        List<Plan> set = new ArrayList<>(checked.queries.size());
        checked.queries.forEach((key, query) -> {
            Plan plan = plans.computeIfAbsent(key, k -> open(query));
            set.add(plan);
            Watch watch = subscriber.watches()
                    .computeIfAbsent(new Subscriber.WatchKey(plan, group), k -> new Watch(subscriber, group));
            watch.hold();
            plan.watches().add(watch);
        });
        checked.watched = new Subscriber.QuerySet(checked.setId, checked.kind, set);
        subscriber.put(checked.watched);
    }

    /** The first rows of a set cannot be read: it ends, in v1 with all others (spec/websocket.md 5.4). True if any did. */
    public boolean abandon(CheckedSet set) {
        Subscriber subscriber = set.subscriber;
        List<Subscriber.QuerySet> lost = subscriber.allSets();
        lost.removeIf(s -> !subscriber.isV1() && s != set.watched);
        lost.forEach(s -> drop(subscriber, s, new ArrayList<>()));
        return !lost.isEmpty();
    }

    private Plan open(SubscriptionQuery query) {
        Plan plan = new Plan(query, rowsOf(query));
        enter(plan);
        planCount++;
        return plan;
    }

    private TableRows rowsOf(SubscriptionQuery query) {
        TableRows rows = tableRows.get(query.tableId());
        if (rows == null || rows.table() != query.table()) {
            rows = new TableRows(query.table());
            tableRows.put(query.tableId(), rows);
        }
        return rows;
    }

    private void enter(Plan plan) {
        SubscriptionQuery query = plan.query();
        query.semijoin().ifPresentOrElse(
                join -> joins.computeIfAbsent(join.shape(), s -> open(join)).add(plan),
                () -> byTable.computeIfAbsent(query.tableId(), t -> new TablePlans(query.table())).add(plan));
    }

    /**
     * Tables have got other shapes under their ids: indexes, types that became wider, names in the source. A query that
     * cannot do without what is gone ends with an error.
     */
    private void tablesReshaped() {
        Map<Plan, SubscriptionQuery> rebound = new LinkedHashMap<>();
        Map<Plan, String> failed = new LinkedHashMap<>();
        for (Plan plan : plans.values()) {
            try {
                rebound.put(plan, plan.query().rebound(committed));
            } catch (EngineException e) {
                failed.put(plan, e.getMessage());
            }
        }
        abandon(failed, subscriber -> true);
        byTable.clear();
        joins.clear();
        joinsByTable.clear();
        tableRows.clear();
        rebound.forEach((plan, query) -> {
            if (plans.get(query.key()) == plan) {
                plan.rebind(query, rowsOf(query));
                enter(plan);
            }
        });
    }

    /** A table has become private: queries that read it end for those who may not see it any more. Between transactions. */
    public void tableHidden(TableSchema table, Predicate<Subscriber> isStranger) {
        Map<Plan, String> hidden = new LinkedHashMap<>();
        for (Plan plan : plans.values()) {
            if (plan.query().tables().stream().anyMatch(t -> t.tableId() == table.tableId())) {
                hidden.put(plan, "no such table: `" + table.name() + "`. If the table exists, it may be marked private.");
            }
        }
        abandon(hidden, isStranger);
    }

    private JoinPlans open(Semijoin join) {
        JoinPlans opened = new JoinPlans(join);
        join.tableIds().forEach(id -> joinsByTable.computeIfAbsent(id, t -> new ArrayList<>()).add(opened));
        return opened;
    }

    /**
     * Ends a query set.
     *
     * @param withRows whether to return the rows that leave with it
     * @throws EngineException NO_SUCH_SUBSCRIPTION; LIMIT_EXCEEDED if a join is too large, but the set has ended then too
     */
    public Optional<List<TableUpdate>> unsubscribe(Subscriber subscriber, int setId, boolean withRows, ReadView view) {
        SetRows rows = unsubscribe(subscriber, setId);
        return withRows ? Optional.of(rows.read(view, limits)) : Optional.empty();
    }

    /** Ends a query set; returns which rows leave with it. Errors: NO_SUCH_SUBSCRIPTION. */
    public SetRows unsubscribe(Subscriber subscriber, int setId) {
        Subscriber.QuerySet set = subscriber.set(setId);
        if (set == null) {
            throw new EngineException(
                    ErrorCode.NO_SUCH_SUBSCRIPTION,
                    "Subscription not found: QuerySetId { id: " + Integer.toUnsignedString(setId) + " }");
        }
        List<Plan> left = new ArrayList<>();
        drop(subscriber, set, left);
        return new SetRows(left.stream().distinct().map(p -> new SetRows.Part(p.query(), p.rows())).toList(), false);
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
        planCount--;
        plan.query().semijoin().ifPresentOrElse(join -> close(plan, join), () -> {
            TablePlans table = byTable.get(plan.query().tableId());
            table.remove(plan);
            if (table.isEmpty()) {
                byTable.remove(plan.query().tableId());
            }
        });
    }

    private void close(Plan plan, Semijoin join) {
        JoinPlans same = joins.get(join.shape());
        same.remove(plan);
        if (same.isEmpty()) {
            joins.remove(join.shape());
            for (int id : join.tableIds()) {
                joinsByTable.get(id).remove(same);
                if (joinsByTable.get(id).isEmpty()) {
                    joinsByTable.remove(id);
                }
            }
        }
    }

    /** The connection is gone. */
    public void remove(Subscriber subscriber) {
        subscriber.allSets().forEach(s -> drop(subscriber, s, new ArrayList<>()));
    }

    /** The rows of a query that nobody watches. Any thread. Errors: LIMIT_EXCEEDED. */
    public static QueryOutcome oneOff(SelectPlan query, ReadView view, QueryBudget budget) {
        TableRows table = new TableRows(query.table());
        RowList.Builder rows = new RowList.Builder();
        query.execute(
                view, budget, (segment, offset, length) -> Plan.append(rows, segment, offset, length));
        return new QueryOutcome.Rows(table.tableName(), Fragment.inserts(rows.build(), table.storedJson()));
    }

    /** Those of the queries that nobody watches yet, each once. */
    public List<SubscriptionQuery> unwatched(Collection<SubscriptionQuery> queries) {
        Map<String, SubscriptionQuery> distinct = new LinkedHashMap<>();
        queries.stream().filter(q -> !plans.containsKey(q.key())).forEach(q -> distinct.putIfAbsent(q.key(), q));
        return List.copyOf(distinct.values());
    }

    /** Number of distinct queries. Any thread. */
    public int planCount() {
        return planCount;
    }

    /** Whether somebody watches rows of a table. */
    public boolean isWatched(int tableId) {
        return byTable.containsKey(tableId) || joinsByTable.containsKey(tableId);
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
        if (plans.isEmpty()) {
            return List.of();
        }
        if (data.reshapesTables()) {
            tablesReshaped();
        }
        evaluate(data);
        if (changed.isEmpty()) {
            return List.of();
        }
        Changes none = new Changes();
        for (Plan plan : changed) {
            plan.takeFragment().ifPresent(fragment -> hit(plan, fragment, none));
        }
        changed.clear();
        List<QuerySetUpdate> own = List.of();
        for (Subscriber subscriber : affected) {
            Changes changes = subscriber.takeChanges();
            if (subscriber == caller) {
                own = changes.updates(subscriber.isV1());
            } else {
                boolean named = nameCaller && subscriber.isV1() && !subscriber.isLight();
                subscriber.dependsOn(txOffset);
                subscriber.sink().send(changes.message(subscriber.isV1(), named, cause));
            }
        }
        affected.clear();
        return own;
    }

    private void hit(Plan plan, Fragment fragment, Changes none) {
        Changes.Hit hit = null;
        Int2ObjectOpenHashMap<Changes.Hit> others = null;
        for (Watch watch : plan.watches()) {
            if (hit == null || hit.group() != watch.group()) {
                // Most clients count their sets alike, from one number.
                if (hit != null && others == null) {
                    others = new Int2ObjectOpenHashMap<>();
                    others.put(hit.group(), hit);
                }
                hit = others == null ? null : others.get(watch.group());
                if (hit == null) {
                    hit = new Changes.Hit(watch.group(), plan.rows(), fragment);
                    if (others != null) {
                        others.put(hit.group(), hit);
                    }
                }
            }
            if (watch.subscriber().hit(none, hit)) {
                affected.add(watch.subscriber());
            }
        }
    }

    private void evaluate(TxData data) {
        for (TxData.TableChange change : data.changes()) {
            TablePlans table = byTable.get(change.table().id());
            if (table != null) {
                table.evaluate(change, changed);
            }
        }
        if (!joins.isEmpty()) {
            evaluateJoins(data);
        }
    }

    private void evaluateJoins(TxData data) {
        Set<JoinPlans> touched = new LinkedHashSet<>();
        Int2ObjectOpenHashMap<TableDelta> deltas = new Int2ObjectOpenHashMap<>();
        for (TxData.TableChange change : data.changes()) {
            List<JoinPlans> joined = joinsByTable.get(change.table().id());
            if (joined != null) {
                deltas.put(change.table().id(), TableDelta.of(change));
                touched.addAll(joined);
            }
        }
        if (touched.isEmpty()) {
            return;
        }
        QueryBudget budget = new QueryBudget(limits);
        Map<Plan, String> failed = new LinkedHashMap<>();
        for (JoinPlans plansOfJoin : touched) {
            Semijoin join = plansOfJoin.join();
            plansOfJoin.evaluate(
                    deltas.get(join.tableId(0)), deltas.get(join.tableId(1)), committed, budget, changed, failed);
        }
        abandon(failed, subscriber -> true);
    }

    private void abandon(Map<Plan, String> failed, Predicate<Subscriber> of) {
        failed.forEach((plan, error) -> {
            for (Watch watch : List.copyOf(plan.watches())) {
                // An error before may have ended it.
                if (plan.watches().contains(watch) && of.test(watch.subscriber())) {
                    abandon(watch, error);
                }
            }
        });
    }

    /** A query could not follow: v1 loses all its subscriptions, later versions the set (spec/websocket.md 5.4, 6.3). */
    private void abandon(Watch watch, String error) {
        Subscriber subscriber = watch.subscriber();
        OptionalInt setId = subscriber.isV1() ? OptionalInt.empty() : OptionalInt.of(watch.group());
        List<Subscriber.QuerySet> lost =
                subscriber.isV1() ? subscriber.allSets() : List.of(subscriber.set(watch.group()));
        lost.forEach(set -> drop(subscriber, set, new ArrayList<>()));
        subscriber.sink().send(new ServerMessage.SubscriptionError(OptionalInt.empty(), setId, error, 0));
    }
}
