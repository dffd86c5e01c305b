package dev.geodesic.engine.subscription;

import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.protocol.message.SubscriptionKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A connection's subscriptions and what the present transaction means for them. Writer thread only. */
public final class Subscriber {

    /** Group of the unnamed set of v1. */
    static final int LEGACY_GROUP = 1;

    private final ClientStream stream;
    private final boolean v1;
    private final boolean light;
    private final Map<Integer, QuerySet> sets = new HashMap<>();
    private QuerySet legacy;
    private final Map<WatchKey, Watch> watches = new HashMap<>();
    private Changes changes;
    private int queryCount;

    record WatchKey(Plan plan, int group) {
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
        this.stream = new ClientStream(sink, lane);
        this.v1 = v1;
        this.light = light;
    }

    /** Where this connection's messages go, in order. */
    public ClientStream sink() {
        return stream;
    }

    /** The client speaks protocol version 1. */
    public boolean v1() {
        return v1;
    }

    /** The next messages depend on this transaction. */
    public void dependsOn(long txOffset) {
        stream.dependsOn(txOffset);
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

    /**
     * Notes a changed plan; true if it is the first of this transaction.
     *
     * @param none from where subscribers start
     */
    boolean hit(Changes none, Changes.Hit hit) {
        boolean first = changes == null;
        changes = (first ? none : changes).and(hit);
        return first;
    }

    /** What the present transaction means for this subscriber, or null for nothing; forgets it. */
    Changes takeChanges() {
        Changes taken = changes;
        changes = null;
        return taken;
    }
}
