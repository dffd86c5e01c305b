package dev.geodesic.engine.query.parse;

/** Where a statement comes from, which says what may be in it (spec/sql.md 2). */
public enum Dialect {
    /** Subscriptions, one-off queries and row-level security. */
    SUBSCRIPTION,
    /** HTTP and the PostgreSQL wire. */
    QUERY,
    /** {@link #QUERY} with places {@code $1}, {@code $2}... for values that come later. */
    PREPARED
}
