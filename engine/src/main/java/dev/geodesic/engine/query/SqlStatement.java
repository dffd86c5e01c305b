package dev.geodesic.engine.query;

/** A statement that is ready to run, any number of times, on the schema it was prepared for. */
public sealed interface SqlStatement permits SelectPlan, DmlPlan {
}
