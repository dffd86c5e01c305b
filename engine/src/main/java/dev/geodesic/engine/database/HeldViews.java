package dev.geodesic.engine.database;

import dev.geodesic.engine.view.ViewKey;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** Which views the subscriptions of one connection read. Writer thread. */
final class HeldViews {

    private final MaterializedViews views;
    /** By id of the query set; the one of legacy subscriptions has none. */
    private final Map<OptionalInt, Set<ViewKey>> bySet = new HashMap<>();

    HeldViews(MaterializedViews views) {
        this.views = views;
    }

    /** A query set reads these views, instead of what it read before. */
    void hold(OptionalInt setId, Set<ViewKey> keys) {
        views.subscribed(keys);
        release(setId);
        if (!keys.isEmpty()) {
            bySet.put(setId, keys);
        }
    }

    void release(OptionalInt setId) {
        Set<ViewKey> keys = bySet.remove(setId);
        if (keys != null) {
            views.unsubscribed(keys);
        }
    }

    void releaseAll() {
        bySet.values().forEach(views::unsubscribed);
        bySet.clear();
    }
}
