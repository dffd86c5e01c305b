package dev.geodesic.engine.subscription;

import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.TableUpdate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a transaction means to a subscriber: the plans that changed for it, one after the other. Subscribers for whom the same
 * ones changed, under the same ids, come to the same object, step by step from an empty one, and so to the same message.
 */
final class Changes {

    /** A plan that changed, for those who watch it under one id. Compared by identity. */
    static final class Hit {

        private final int group;
        private final TableRows table;
        private final Fragment fragment;

        Hit(int group, TableRows table, Fragment fragment) {
            this.group = group;
            this.table = table;
            this.fragment = fragment;
        }

        int group() {
            return group;
        }
    }

    private final Changes before;
    private final Hit hit;
    private Hit lastHit;
    private Changes last;
    private Map<Hit, Changes> others;
    private int subscribers;
    private ServerMessage v2;
    private ServerMessage v1;
    private ServerMessage v1Named;

    /** None yet. */
    Changes() {
        this(null, null);
    }

    private Changes(Changes before, Hit hit) {
        this.before = before;
        this.hit = hit;
    }

    /** One subscriber gets here from there. */
    Changes and(Hit next) {
        Changes to;
        if (next == lastHit) {
            to = last;
        } else {
            to = others == null ? null : others.get(next);
            if (to == null) {
                to = new Changes(this, next);
                if (lastHit != null) {
                    if (others == null) {
                        others = new IdentityHashMap<>();
                    }
                    others.put(lastHit, last);
                }
            }
            lastHit = next;
            last = to;
        }
        subscribers--;
        to.subscribers++;
        return to;
    }

    /** The message about it, the same for all who get here with equal settings. */
    ServerMessage message(boolean isV1, boolean named, ReducerCall cause) {
        ServerMessage known = !isV1 ? v2 : named ? v1Named : v1;
        if (known != null) {
            return known;
        }
        ServerMessage message = named
                ? new ServerMessage.TransactionUpdate(Optional.of(cause), cause.requestId(), updates(true))
                : new ServerMessage.TransactionUpdate(cause.requestId(), updates(isV1));
        if (subscribers > 1) {
            message = new ServerMessage.Shared(message);
        }
        if (!isV1) {
            v2 = message;
        } else if (named) {
            v1Named = message;
        } else {
            v1 = message;
        }
        return message;
    }

    /** By query set and table name (spec/websocket.md 5.4, 6.3). */
    List<QuerySetUpdate> updates(boolean isV1) {
        if (before == null) {
            return List.of();
        }
        if (before.before == null) {
            return List.of(new QuerySetUpdate(
                    isV1 ? 0 : hit.group,
                    List.of(TableUpdate.of(hit.table.tableId(), hit.table.tableName(), hit.fragment))));
        }
        List<Hit> hits = new ArrayList<>();
        for (Changes at = this; at.before != null; at = at.before) {
            hits.add(at.hit);
        }
        if (isV1) {
            return List.of(new QuerySetUpdate(0, tables(hits.reversed())));
        }
        Map<Integer, List<Hit>> bySet = new TreeMap<>(Integer::compareUnsigned);
        hits.reversed().forEach(h -> bySet.computeIfAbsent(h.group, g -> new ArrayList<>()).add(h));
        List<QuerySetUpdate> updates = new ArrayList<>(bySet.size());
        bySet.forEach((set, of) -> updates.add(new QuerySetUpdate(set, tables(of))));
        return updates;
    }

    private static List<TableUpdate> tables(List<Hit> of) {
        Map<TableRows, List<Fragment>> byTable = new LinkedHashMap<>();
        of.stream()
                .sorted(Comparator.comparing(h -> h.table.tableName()))
                .forEach(h -> byTable.computeIfAbsent(h.table, t -> new ArrayList<>()).add(h.fragment));
        List<TableUpdate> tables = new ArrayList<>();
        byTable.forEach((t, f) -> tables.add(new TableUpdate(t.tableId(), t.tableName(), f)));
        return tables;
    }
}
