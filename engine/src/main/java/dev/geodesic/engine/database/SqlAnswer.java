package dev.geodesic.engine.database;

import dev.geodesic.engine.query.SqlResult;

/**
 * @param txOffset transaction that the answer depends on; wait for it to be durable if the caller asked for that
 */
public record SqlAnswer(SqlResult result, long txOffset, long durationMicros) {
}
