package dev.geodesic.testkit.history;

import java.util.Optional;

/**
 * What one operation after the other does.
 *
 * @param <S> states, immutable and equal if nobody can tell them apart
 */
public interface Specification<S, I, O> {

    S initial();

    /**
     * The state after an operation; empty if it cannot have ended like this in that state.
     *
     * @param output empty if nobody knows how it ended
     */
    Optional<S> apply(S state, I input, Optional<O> output);
}
