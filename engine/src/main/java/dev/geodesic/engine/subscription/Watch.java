package dev.geodesic.engine.subscription;

/**
 * One subscriber's interest in one plan within one group of its query sets. In v2 every query set is a group of its own; in
 * v1 all named sets form one group and the unnamed one another (spec/websocket.md 5.3, 5.4).
 */
final class Watch {

    private final Subscriber subscriber;
    private final int group;
    private int references;

    Watch(Subscriber subscriber, int group) {
        this.subscriber = subscriber;
        this.group = group;
    }

    Subscriber subscriber() {
        return subscriber;
    }

    int group() {
        return group;
    }

    /** Counts one more query set that holds the plan; true for the first. */
    boolean hold() {
        return references++ == 0;
    }

    /** True if nobody holds it any more. */
    boolean release() {
        return --references == 0;
    }
}
