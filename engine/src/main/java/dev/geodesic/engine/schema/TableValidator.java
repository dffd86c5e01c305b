package dev.geodesic.engine.schema;

import dev.geodesic.engine.schema.RawModuleDef.Table;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.Bsatn;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/**
 * The rules of spec/module-def.md 6.1 for one table, and its {@link TableDef}. What is wrong is reported and left out;
 * the result counts only if nothing was reported.
 */
final class TableValidator {

    /** Positions of columns are u16. */
    private static final int COLUMNS_MAX = 1 << 16;

    private final Table raw;
    private final boolean namesGenerated;
    private final String name;
    private final Names names;
    private final ValidationErrors errors;
    private final Object entity = new Object();
    private List<ColumnSchema> columns = List.of();

    TableValidator(Table raw, int version, Names names, ValidationErrors errors) {
        this.raw = raw;
        this.namesGenerated = version >= 10;
        this.name = names.table(raw.name());
        this.names = names;
        this.errors = errors;
    }

    /** Canonical name. */
    String name() {
        return name;
    }

    /** @param defaults values by the module for columns of this table */
    Optional<TableDef> validate(
            TypeValidator types, Optional<TableDef.Schedule> schedule, List<RawModuleDef.Default> defaults) {
        errors.checkIdentifier(name);
        names.claim(name, entity);
        names.claim(raw.name(), entity);
        if (name.startsWith("st_") || raw.kind() == TableKind.SYSTEM) {
            errors.add("Table name is reserved for system use: " + name);
        }
        Optional<ProductType> rowType = types.product(raw.productTypeRef());
        if (rowType.isEmpty()) {
            errors.add("Table " + name + " has invalid product_type_ref " + Integer.toUnsignedString(raw.productTypeRef()));
            return Optional.empty();
        }
        if (!checkColumnNames(rowType.get())) {
            return Optional.empty();
        }
        Optional<ProductType> resolved = types.resolve(rowType.get(), "table `" + name + "`");
        if (resolved.isEmpty()) {
            return Optional.empty();
        }
        columns = columns(resolved.get(), types.sourceNames(raw.productTypeRef()));
        List<TableDef.Constraint> constraints = constraints();
        List<TableDef.Index> indexes = indexes(constraints);
        checkIndexes(constraints, indexes);
        OptionalInt primaryKey = primaryKey(constraints);
        schedule.ifPresent(s -> checkSchedule(s, primaryKey, resolved.get()));
        return Optional.of(new TableDef(
                name, raw.name(), raw.productTypeRef(), columns, primaryKey,
                sorted(indexes, TableDef.Index::name), sorted(constraints, TableDef.Constraint::name),
                sorted(sequences(), TableDef.Sequence::name),
                schedule, raw.access(), raw.event(), defaults(defaults)));
    }

    private static <T> List<T> sorted(List<T> list, Function<T, String> name) {
        return list.stream().sorted(Comparator.comparing(name, Names.ORDER)).toList();
    }

    private boolean checkColumnNames(ProductType rowType) {
        List<ProductElement> elements = rowType.elements();
        if (elements.size() > COLUMNS_MAX) {
            errors.add("table `" + name + "` has more than " + COLUMNS_MAX + " columns");
            return false;
        }
        Set<String> seen = new HashSet<>();
        boolean complete = true;
        for (int i = 0; i < elements.size(); i++) {
            Optional<String> column = elements.get(i).name();
            if (column.isEmpty()) {
                errors.add("table `" + name + "` has unnamed column `col_" + i + "`, which is forbidden.");
                complete = false;
                continue;
            }
            errors.checkIdentifier(column.get());
            if (!seen.add(column.get())) {
                errors.add("table `" + name + "` has more than one column named `" + column.get() + "`");
            }
        }
        return complete;
    }

    static List<ColumnSchema> columns(ProductType rowType, List<String> sources) {
        List<ColumnSchema> columns = new ArrayList<>();
        for (ProductElement element : rowType.elements()) {
            int position = columns.size();
            String column = element.name().orElseThrow();
            String source = sources.get(position);
            columns.add(new ColumnSchema(
                    position, column, element.type(), source.equals(column) ? Optional.empty() : Optional.of(source)));
        }
        return columns;
    }

    /** Reports columns that do not exist, repeat or are missing. */
    private boolean checkColumns(List<Integer> positions, String def) {
        int before = positions.size();
        if (before == 0) {
            errors.add("def `" + def + "` in table `" + name + "` has no columns");
            return false;
        }
        boolean valid = true;
        for (int position : positions) {
            if (position >= columns.size()) {
                errors.add("column `" + position + "` referenced by def " + def + " not found in table `" + name + "`");
                valid = false;
            }
        }
        if (new HashSet<>(positions).size() != before) {
            errors.add("def `" + def + "` has duplicate columns: " + positions);
            valid = false;
        }
        return valid;
    }

    private String columnName(int position) {
        return position < columns.size() ? columns.get(position).name() : "col_" + position;
    }

    private String generated(List<Integer> positions, String suffix) {
        return Names.generated(name, positions.stream().map(this::columnName).toList(), suffix);
    }

    private void claim(String used, Object by) {
        if (used.isEmpty()) {
            errors.checkIdentifier(used);
        }
        names.claim(used, by);
    }

    private List<TableDef.Constraint> constraints() {
        List<TableDef.Constraint> constraints = new ArrayList<>();
        for (RawModuleDef.Constraint c : raw.constraints()) {
            String generated = generated(c.columns(), "key");
            String canonical = namesGenerated ? generated : c.name().orElse(generated);
            claim(canonical, new Object());
            if (checkColumns(c.columns(), canonical)) {
                constraints.add(new TableDef.Constraint(canonical, c.columns()));
            }
        }
        return constraints;
    }

    private List<TableDef.Index> indexes(List<TableDef.Constraint> constraints) {
        List<TableDef.Index> indexes = new ArrayList<>();
        for (RawModuleDef.Index i : raw.indexes()) {
            List<Integer> positions = i.algorithm().columns();
            String generated = generated(positions, "idx_" + i.algorithm().suffix());
            if (namesGenerated && i.name().isEmpty()) {
                errors.add("index `" + generated + "` of table `" + name + "` has no source name");
            }
            String source = i.name().orElse(generated);
            String canonical = namesGenerated ? names.explicitIndex(source).orElse(generated) : source;
            Object index = new Object();
            claim(canonical, index);
            claim(source, index);
            i.accessor().ifPresent(errors::checkIdentifier);
            if (checkColumns(positions, canonical)) {
                checkDirect(i.algorithm(), canonical, constraints);
                indexes.add(new TableDef.Index(canonical, source, i.accessor(), i.algorithm()));
            }
        }
        return indexes;
    }

    private void checkDirect(IndexAlgorithm algorithm, String index, List<TableDef.Constraint> constraints) {
        if (!(algorithm instanceof IndexAlgorithm.Direct direct)) {
            return;
        }
        AlgebraicType type = columns.get(direct.column()).type();
        boolean supported = switch (type) {
            case PrimitiveType p -> switch (p) {
                case U8, U16, U32, U64 -> true;
                default -> false;
            };
            case SumType sum -> sum.variants().stream().allMatch(v -> SpecialTypes.isUnit(v.type()));
            default -> false;
        };
        if (!supported) {
            errors.add("Direct index does not support type `" + TypeSize.text(type) + "` in column `"
                    + columnName(direct.column()) + "` in index `" + index + "`");
        }
        if (constraints.stream().noneMatch(c -> c.columns().equals(direct.columns()))) {
            errors.add("Direct index `" + index + "` requires a unique constraint on column `"
                    + columnName(direct.column()) + "`");
        }
    }

    private void checkIndexes(List<TableDef.Constraint> constraints, List<TableDef.Index> indexes) {
        Set<Set<Integer>> indexed = new HashSet<>();
        indexes.forEach(i -> indexed.add(Set.copyOf(i.algorithm().columns())));
        for (TableDef.Constraint c : constraints) {
            if (!indexed.contains(Set.copyOf(c.columns()))) {
                errors.add("No index found to support unique constraint `" + c.name() + "` for columns `" + c.columns() + "`");
            }
        }
    }

    private OptionalInt primaryKey(List<TableDef.Constraint> constraints) {
        List<Integer> key = raw.primaryKey();
        if (key.size() > 1) {
            errors.add("table `" + name + "` has multiple primary key annotations");
        }
        if (key.size() != 1 || !checkColumns(key, "primary key")) {
            return OptionalInt.empty();
        }
        if (constraints.stream().noneMatch(c -> c.columns().equals(key))) {
            errors.add("table `" + name + "` column `" + columnName(key.getFirst())
                    + "` is primary key but has no unique constraint");
        }
        return OptionalInt.of(key.getFirst());
    }

    private List<TableDef.Sequence> sequences() {
        List<TableDef.Sequence> sequences = new ArrayList<>();
        Set<Integer> numbered = new HashSet<>();
        for (RawModuleDef.Sequence s : raw.sequences()) {
            String canonical = s.name().orElse(generated(List.of(s.column()), "seq"));
            claim(canonical, new Object());
            if (!checkColumns(List.of(s.column()), canonical)) {
                continue;
            }
            AlgebraicType type = columns.get(s.column()).type();
            if (!(type instanceof PrimitiveType p && p.isInteger())) {
                errors.add("invalid sequence column type: " + columnName(s.column()) + " with type `" + TypeSize.text(type)
                        + "` in sequence `" + canonical + "`");
            }
            if (!numbered.add(s.column())) {
                errors.add("Attempt to define " + columnName(s.column()) + " with more than 1 auto_inc sequence");
            }
            BigInteger min = s.minValue().orElse(TableDef.SEQUENCE_DEFAULT_MIN);
            BigInteger start = s.start().orElse(TableDef.SEQUENCE_DEFAULT_MIN);
            BigInteger max = s.maxValue().orElse(TableDef.SEQUENCE_DEFAULT_MAX);
            if (min.compareTo(start) > 0 || start.compareTo(max) > 0) {
                errors.add("invalid sequence range information: expected " + min + " <= " + start + " <= " + max
                        + " in sequence `" + canonical + "`");
            }
            if (s.increment().signum() == 0) {
                errors.add("sequence `" + canonical + "` has increment 0");
            }
            sequences.add(new TableDef.Sequence(canonical, s.column(), s.start(), s.minValue(), s.maxValue(), s.increment()));
        }
        return sequences;
    }

    private List<TableDef.Default> defaults(List<RawModuleDef.Default> declared) {
        List<TableDef.Default> defaults = new ArrayList<>();
        Set<Integer> seen = new HashSet<>();
        for (RawModuleDef.Default d : declared) {
            if (!checkColumns(List.of(d.column()), "default value")) {
                continue;
            }
            if (!seen.add(d.column())) {
                errors.add("Multiple default values for table " + name + " column " + d.column());
            }
            try {
                Bsatn.check(columns.get(d.column()).type(), d.value(), 0, d.value().length);
            } catch (BsatnException e) {
                errors.add("Failed to deserialize default value for table " + name + " column " + d.column() + ": "
                        + e.getMessage());
            }
            defaults.add(new TableDef.Default(d.column(), d.value()));
        }
        return defaults;
    }

    private void checkSchedule(TableDef.Schedule schedule, OptionalInt primaryKey, ProductType rowType) {
        boolean valid = schedule.atColumn() < columns.size()
                && SpecialTypes.isScheduleAt(columns.get(schedule.atColumn()).type())
                && primaryKey.isPresent()
                && columns.get(primaryKey.getAsInt()).type() == PrimitiveType.U64;
        if (!valid) {
            errors.add("A scheduled table must have columns `scheduled_id: u64` and `scheduled_at: ScheduledAt`, but table `"
                    + name + "` has columns " + TypeSize.text(rowType));
        }
    }
}
