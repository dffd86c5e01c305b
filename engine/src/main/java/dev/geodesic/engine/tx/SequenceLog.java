package dev.geodesic.engine.tx;

import dev.geodesic.engine.schema.SequenceSchema;

/** Records, as a row of the same transaction, that a sequence has reserved a block. */
@FunctionalInterface
public interface SequenceLog {

    /** @param allocated the first value behind the block */
    void reserved(MutTx tx, SequenceSchema sequence, long allocated);
}
