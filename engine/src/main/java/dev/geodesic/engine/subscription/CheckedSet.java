package dev.geodesic.engine.subscription;

import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.protocol.message.SubscriptionKind;
import java.util.Map;

/** A query set that a subscriber may watch, from {@link Subscriptions#check}. Writer thread. */
public final class CheckedSet {

    final Subscriber subscriber;
    final SubscriptionKind kind;
    final int setId;
    /** By key, each once. */
    final Map<String, SubscriptionQuery> queries;
    private final SetRows rows;
    /** Once it is watched. */
    Subscriber.QuerySet watched;

    CheckedSet(
            Subscriber subscriber, SubscriptionKind kind, int setId, Map<String, SubscriptionQuery> queries, SetRows rows) {
        this.subscriber = subscriber;
        this.kind = kind;
        this.setId = setId;
        this.queries = queries;
        this.rows = rows;
    }

    /** What the client is told first. */
    public SetRows rows() {
        return rows;
    }
}
