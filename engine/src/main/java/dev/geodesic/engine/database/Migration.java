package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.query.RowLevelSecurity;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.MigrationStep;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Carries a plan out in an open transaction that has not written anything yet (spec/module-def.md 8.2). Afterwards the
 * tables are those of the new definition; whatever is thrown, the transaction must be rolled back. One object serves one
 * migration. Writer thread.
 *
 * <p>All changes of a table are made at once: one look at its rows builds it anew. What that may violate is told in the words
 * of the step that would have failed.
 */
final class Migration {

    private final MutTx tx;
    private final Catalog catalog;
    private final Limits limits;
    private final ModuleDef after;
    private final MigrationPlan plan;
    private final Map<String, Alteration> alterations = new LinkedHashMap<>();

    /** What happens to one table that stays. */
    private static final class Alteration {

        private final TableDef table;
        private final Set<String> freshNames = new HashSet<>();
        private final List<TableDef.Constraint> constraints = new ArrayList<>();
        private List<ColumnSchema> columns = List.of();

        Alteration(TableDef table) {
            this.table = table;
        }
    }

    private Migration(MutTx tx, Catalog catalog, Limits limits, ModuleDef after, MigrationPlan plan) {
        this.tx = tx;
        this.catalog = catalog;
        this.limits = limits;
        this.after = after;
        this.plan = plan;
    }

    /**
     * @param before the definition that the tables have now, {@code after} that which they get
     * @param plan from the one to the other
     * @throws EngineException MIGRATION_FAILED with the text for the publisher
     */
    static void run(MutTx tx, Catalog catalog, Limits limits, ModuleDef before, ModuleDef after, MigrationPlan plan) {
        try {
            Migration migration = new Migration(tx, catalog, limits, after, plan);
            migration.checkStored(before);
            migration.collect();
            migration.precheck();
            migration.remove();
            migration.alter();
            migration.add();
        } catch (EngineException e) {
            throw failed(e);
        }
    }

    /** The error as the publisher gets it; fatal ones stay what they are. */
    static EngineException failed(EngineException e) {
        return switch (e.code()) {
            case INTERNAL, STORAGE_FAILED, MIGRATION_FAILED -> e;
            case UNIQUE_ALREADY_EXISTS -> refused("DatastoreError: IndexError: " + e.getMessage());
            default -> refused(e.getMessage());
        };
    }

    private static EngineException refused(String text) {
        return new EngineException(ErrorCode.MIGRATION_FAILED, text);
    }

    private TableSchema stored(String name) {
        return tx.tableByName(name).filter(t -> t.name().equals(name)).orElseThrow(() -> refused(
                "the database has no table `" + name + "`, which its module declares"));
    }

    /** The tables must be what the running module believes. */
    private void checkStored(ModuleDef before) {
        for (TableDef table : before.tables()) {
            TableSchema stored = stored(table.name());
            boolean same = stored.columns().equals(table.columns())
                    && stored.indexes().stream().map(IndexSchema::name).sorted().toList()
                            .equals(table.indexes().stream().map(TableDef.Index::name).sorted().toList());
            if (!same) {
                throw refused("the stored table `" + table.name() + "` is not what the running module declares");
            }
        }
    }

    private Alteration alteration(TableDef table) {
        return alterations.computeIfAbsent(table.name(), n -> new Alteration(after.table(n).orElseThrow()));
    }

    private void collect() {
        for (MigrationStep step : plan.steps()) {
            switch (step) {
                case MigrationStep.RemoveIndex s -> alteration(s.table());
                case MigrationStep.RemoveConstraint s -> alteration(s.table());
                case MigrationStep.RemoveSequence s -> alteration(s.table());
                case MigrationStep.ChangeColumns s -> alteration(s.table());
                case MigrationStep.ChangeEventTable s -> alteration(s.table());
                case MigrationStep.AddColumns s -> alteration(s.table()).columns = s.columns();
                case MigrationStep.ChangeIndexSource s -> alteration(s.table());
                case MigrationStep.ChangeTableAccessor s -> alteration(s.table());
                case MigrationStep.ChangeColumnAccessor s -> alteration(s.table());
                case MigrationStep.AddIndex s -> alteration(s.table()).freshNames.add(s.index().name());
                case MigrationStep.AddConstraint s -> {
                    alteration(s.table()).freshNames.add(s.constraint().name());
                    alteration(s.table()).constraints.add(s.constraint());
                }
                case MigrationStep.AddSequence s -> alteration(s.table()).freshNames.add(s.sequence().name());
                case MigrationStep.ChangeAccess s -> alteration(s.table());
                case MigrationStep.ChangePrimaryKey s -> alteration(s.table());
                case MigrationStep.RemoveSchedule s -> { }
                case MigrationStep.RemoveView s -> { }
                case MigrationStep.RemoveRowLevelSecurity s -> { }
                case MigrationStep.RemoveTable s -> { }
                case MigrationStep.AddTable s -> { }
                case MigrationStep.AddSchedule s -> { }
                case MigrationStep.AddView s -> { }
                case MigrationStep.AddRowLevelSecurity s -> { }
                case MigrationStep.UpdateView s -> { }
                case MigrationStep.DisconnectAll s -> { }
            }
        }
    }

    // ---- before anything changes ----

    private void precheck() {
        for (MigrationStep step : plan.steps()) {
            if (step instanceof MigrationStep.AddSequence(TableDef table, TableDef.Sequence sequence)
                    && hasValueInRange(table, sequence)) {
                throw refused("Precheck failed: added sequence " + sequence.name() + " already has values in range");
            }
        }
    }

    private boolean hasValueInRange(TableDef table, TableDef.Sequence sequence) {
        TableSchema stored = stored(table.name());
        ColumnSchema column = table.columns().get(sequence.column());
        PrimitiveType type = (PrimitiveType) column.type();
        BigInteger min = sequence.minValue().orElse(BigInteger.ONE);
        int bits = type.byteSize() * Byte.SIZE - (type.isSignedInteger() ? 1 : 0);
        BigInteger max = sequence.maxValue().orElse(BigInteger.TWO.pow(bits).subtract(BigInteger.ONE));
        if (column.position() >= stored.columns().size()) {
            return tx.rowCount(stored.tableId()) > 0 && isBetween(integer(type, defaultOf(table, column)), min, max);
        }
        RowLayout layout = RowLayout.of(stored.rowType());
        byte[] value = new byte[type.byteSize()];
        RowIterator rows = tx.scan(stored.tableId());
        while (rows.next()) {
            long at = layout.columnOffset(rows.segment(), rows.offset(), column.position());
            MemorySegment.copy(rows.segment(), ValueLayout.JAVA_BYTE, at, value, 0, value.length);
            if (isBetween(integer(type, value), min, max)) {
                return true;
            }
        }
        return false;
    }

    private static BigInteger integer(PrimitiveType type, byte[] littleEndian) {
        byte[] bigEndian = new byte[littleEndian.length];
        for (int i = 0; i < bigEndian.length; i++) {
            bigEndian[i] = littleEndian[bigEndian.length - 1 - i];
        }
        return type.isSignedInteger() ? new BigInteger(bigEndian) : new BigInteger(1, bigEndian);
    }

    private static boolean isBetween(BigInteger value, BigInteger min, BigInteger max) {
        return value.compareTo(min) >= 0 && value.compareTo(max) <= 0;
    }

    private static byte[] defaultOf(TableDef table, ColumnSchema column) {
        return table.defaults().stream()
                .filter(d -> d.column() == column.position())
                .findFirst()
                .orElseThrow()
                .value();
    }

    // ---- what goes ----

    private void remove() {
        for (MigrationStep step : plan.steps()) {
            switch (step) {
                case MigrationStep.RemoveSchedule s -> throw refused("Removing schedules is not yet implemented");
                case MigrationStep.RemoveView s -> catalog.dropTable(tx, stored(s.view().name()));
                case MigrationStep.RemoveTable s -> removeTable(stored(s.table().name()));
                default -> { }
            }
        }
        catalog.setRowLevelSecurity(tx, Map.of());
    }

    private void removeTable(TableSchema table) {
        if (tx.rowCount(table.tableId()) > 0) {
            throw refused("Cannot remove table `" + table.name()
                    + "`: table contains data. Clear the table's rows (e.g. via a reducer) before removing it from your schema.");
        }
        catalog.dropTable(tx, table);
    }

    // ---- what changes ----

    private void alter() {
        List<TableSchema> old = new ArrayList<>();
        List<TableSchema> now = new ArrayList<>();
        for (Alteration change : alterations.values()) {
            TableSchema stored = stored(change.table.name());
            int tableId = change.columns.isEmpty() ? stored.tableId() : catalog.nextTableId();
            old.add(stored);
            now.add(change.table.toSchema(catalog, tableId, stored, change.freshNames));
        }
        int i = 0;
        for (Alteration change : alterations.values()) {
            rebuild(change, old.get(i), now.get(i));
            i++;
        }
        catalog.describeAgain(tx, old, now);
        for (MigrationStep step : plan.steps()) {
            if (step instanceof MigrationStep.UpdateView s) {
                catalog.updateView(tx, s.view().view(), stored(s.view().name()));
            }
        }
    }

    private void rebuild(Alteration change, TableSchema old, TableSchema now) {
        for (TableDef.Constraint constraint : change.constraints) {
            boolean indexed = now.indexes().stream().anyMatch(index -> !change.freshNames.contains(index.name())
                    && Set.copyOf(index.algorithm().columns()).equals(Set.copyOf(constraint.columns())));
            // With a new index it is the index that fails.
            if (indexed) {
                DuplicateGroups.check(tx, old, constraint.columns());
            }
        }
        if (change.columns.isEmpty()) {
            tx.reshapeTable(now);
        } else {
            BsatnWriter suffix = new BsatnWriter();
            change.columns.forEach(c -> suffix.writeRaw(defaultOf(change.table, c)));
            tx.extendTable(old.tableId(), now, suffix.toByteArray());
        }
    }

    // ---- what comes ----

    private void add() {
        Map<String, Integer> rules = new LinkedHashMap<>();
        for (MigrationStep step : plan.steps()) {
            switch (step) {
                case MigrationStep.AddTable s -> catalog.createTable(tx, s.table().toSchema(catalog));
                case MigrationStep.AddSchedule s -> throw refused("Adding schedules is not yet implemented");
                case MigrationStep.AddView s -> catalog.createView(tx, s.view().view());
                case MigrationStep.AddRowLevelSecurity s ->
                    rules.put(s.sql(), RowLevelSecurity.check(s.sql(), tx, limits));
                default -> { }
            }
        }
        catalog.setRowLevelSecurity(tx, rules);
    }
}
