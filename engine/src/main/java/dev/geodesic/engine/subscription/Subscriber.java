package dev.geodesic.engine.subscription;

import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.protocol.message.TableUpdate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A connection's subscriptions and what the present transaction means for them. Writer thread only. */
public final class Subscriber {

    /** Group of the unnamed set of v1. */
    static final int LEGACY_GROUP = 1;

    private final ClientSink sink;
    private final ConfirmedGate.Lane lane;
    private final boolean v1;
    private final boolean light;
    private final Map<Integer, QuerySet> sets = new HashMap<>();
    private QuerySet legacy;
    private final Map<WatchKey, Watch> watches = new HashMap<>();
    private final List<Hit> hits = new ArrayList<>();
    private int queryCount;

    record WatchKey(Plan plan, int group) {
    }

    /** A plan of this subscriber that changed. */
    record Hit(int group, TableRows table, Fragment fragment) {
    }

    /** The queries that came with one request. */
    record QuerySet(int id, SubscriptionKind kind, List<Plan> plans) {
    }

    /**
     * @param lane where messages go if the connection wants confirmed reads, else null
     * @param v1 whether updates are merged over all query sets
     * @param light whether other callers' calls stay unnamed
     */
    public Subscriber(ClientSink sink, ConfirmedGate.Lane lane, boolean v1, boolean light) {
        this.sink = lane == null ? sink : lane;
        this.lane = lane;
        this.v1 = v1;
        this.light = light;
    }

    /** Where this connection's messages go, in order. */
    public ClientSink sink() {
        return sink;
    }

    /** The client speaks protocol version 1. */
    public boolean v1() {
        return v1;
    }

    /** The next messages depend on this transaction. */
    public void dependsOn(long txOffset) {
        if (lane != null) {
            lane.dependsOn(txOffset);
        }
    }

    public boolean isV1() {
        return v1;
    }

    boolean isLight() {
        return light;
    }

    int group(SubscriptionKind kind, int setId) {
        return v1 ? (kind == SubscriptionKind.LEGACY ? LEGACY_GROUP : 0) : setId;
    }

    /** What a set counts for: one without queries takes room too. */
    static int cost(int queries) {
        return Math.max(1, queries);
    }

    QuerySet set(int id) {
        return sets.get(id);
    }

    QuerySet legacy() {
        return legacy;
    }

    void put(QuerySet set) {
        if (set.kind() == SubscriptionKind.LEGACY) {
            legacy = set;
        } else {
            sets.put(set.id(), set);
        }
        queryCount += cost(set.plans().size());
    }

    void remove(QuerySet set) {
        if (set == legacy) {
            legacy = null;
        } else {
            sets.remove(set.id());
        }
        queryCount -= cost(set.plans().size());
    }

    List<QuerySet> allSets() {
        List<QuerySet> all = new ArrayList<>(sets.values());
        if (legacy != null) {
            all.add(legacy);
        }
        return all;
    }

    int queryCount() {
        return queryCount;
    }

    Map<WatchKey, Watch> watches() {
        return watches;
    }

    /** Notes a changed plan; true if it is the first of this transaction. */
    boolean hit(int group, TableRows table, Fragment fragment) {
        hits.add(new Hit(group, table, fragment));
        return hits.size() == 1;
    }

    List<Hit> hits() {
        return hits;
    }

    /** What this subscriber sees of the transaction, by query set and table name; forgets it. */
    List<QuerySetUpdate> takeUpdates() {
        if (hits.isEmpty()) {
            return List.of();
        }
        List<QuerySetUpdate> updates;
        if (hits.size() == 1) {
            Hit hit = hits.getFirst();
            updates = List.of(new QuerySetUpdate(
                    v1 ? 0 : hit.group(),
                    List.of(TableUpdate.of(hit.table().tableId(), hit.table().tableName(), hit.fragment()))));
        } else if (v1) {
            updates = List.of(new QuerySetUpdate(0, tables(hits)));
        } else {
            Map<Integer, List<Hit>> bySet = new HashMap<>();
            hits.forEach(h -> bySet.computeIfAbsent(h.group(), g -> new ArrayList<>()).add(h));
            updates = bySet.entrySet().stream()
                    .sorted((a, b) -> Integer.compareUnsigned(a.getKey(), b.getKey()))
                    .map(e -> new QuerySetUpdate(e.getKey(), tables(e.getValue())))
                    .toList();
        }
        hits.clear();
        return updates;
    }

    private static List<TableUpdate> tables(List<Hit> of) {
        Map<TableRows, List<Fragment>> byTable = new LinkedHashMap<>();
        of.stream()
                .sorted(Comparator.comparing(h -> h.table().tableName()))
                .forEach(h -> byTable.computeIfAbsent(h.table(), t -> new ArrayList<>()).add(h.fragment()));
        List<TableUpdate> tables = new ArrayList<>();
        byTable.forEach((t, f) -> tables.add(new TableUpdate(t.tableId(), t.tableName(), f)));
        return tables;
    }
}
