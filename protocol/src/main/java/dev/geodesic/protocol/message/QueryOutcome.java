package dev.geodesic.protocol.message;

/** How a one-off query ended. */
public sealed interface QueryOutcome {

    /** The rows are the fragment's inserts. */
    record Rows(String tableName, Fragment rows) implements QueryOutcome {
    }

    record Failed(String error) implements QueryOutcome {
    }
}
