package dev.geodesic.engine.query;

/** A condition over rows of several tables. Immutable; allocates nothing per test; may be shared by threads. */
interface TuplePredicate {

    TuplePredicate ALWAYS = rows -> true;

    /** Looks only at rows of the tables that the condition names. */
    boolean test(RowTuple rows);
}
