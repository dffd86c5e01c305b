package dev.geodesic.engine.database;

import dev.geodesic.engine.schema.EnvironmentRules;
import dev.geodesic.sats.Identity;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** Variables that modules read: those of the control database, and what running modules see of them. Thread-safe. */
final class Environments {

    private final ControlDatabase control;
    private final Map<Identity, Map<String, String>> live = new ConcurrentHashMap<>();

    Environments(ControlDatabase control) {
        this.control = control;
    }

    /** What the module of a database sees. */
    Map<String, String> of(Identity identity) {
        return live.getOrDefault(identity, Map.of());
    }

    /** What the module of a database sees from now on. */
    void show(Identity identity, Map<String, String> variables) {
        if (variables.isEmpty()) {
            live.remove(identity);
        } else {
            live.put(identity, variables);
        }
    }

    /** What is stored is what its module sees; returns it. */
    Map<String, String> load(Identity identity) {
        Map<String, String> variables = control.environment(identity);
        show(identity, variables);
        return variables;
    }

    /** Errors: INVALID_ENVIRONMENT, LIMIT_EXCEEDED. */
    Change change(Identity identity, EnvironmentChange change) {
        return new Change(identity, change);
    }

    /** A change of a database's variables that comes true together with something else. */
    final class Change {

        private final Identity identity;
        private final Map<String, String> before;
        private final Map<String, String> after;

        private Change(Identity identity, EnvironmentChange change) {
            this.identity = identity;
            this.before = control.environment(identity);
            this.after = EnvironmentRules.bounded(change.applyTo(before));
        }

        /** Lets the module see the new variables while it works; they stay if that succeeds. */
        <T> T during(Function<Map<String, String>, T> work) {
            set(before, after);
            boolean done = false;
            try {
                T result = work.apply(after);
                done = true;
                return result;
            } finally {
                if (!done) {
                    set(after, before);
                }
            }
        }

        /** On disk first: after a crash the program must not miss what it was published with. */
        private void set(Map<String, String> from, Map<String, String> to) {
            if (!from.equals(to)) {
                control.setEnvironment(identity, to);
            }
            show(identity, to);
        }
    }
}
