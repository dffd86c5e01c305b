package dev.geodesic.engine.catalog;

import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IdAllocator;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableSchema;
import java.util.Iterator;

/** The ids of a table once more, for a definition with the same parts. */
final class SameIds implements IdAllocator {

    private final TableSchema table;
    private final Iterator<IndexSchema> indexes;
    private final Iterator<ConstraintSchema> constraints;
    private final Iterator<SequenceSchema> sequences;

    SameIds(TableSchema table) {
        this.table = table;
        indexes = table.indexes().iterator();
        constraints = table.constraints().iterator();
        sequences = table.sequences().iterator();
    }

    @Override
    public int nextTableId() {
        return table.tableId();
    }

    @Override
    public int nextIndexId() {
        return indexes.next().indexId();
    }

    @Override
    public int nextConstraintId() {
        return constraints.next().constraintId();
    }

    @Override
    public int nextSequenceId() {
        return sequences.next().sequenceId();
    }

    @Override
    public int nextScheduleId() {
        return table.schedule().orElseThrow().scheduleId();
    }
}
