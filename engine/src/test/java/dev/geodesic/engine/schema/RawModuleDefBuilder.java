package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.Typespace;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Definitions part by part, valid or not. Lists are open to the test. */
final class RawModuleDefBuilder {

    int version = 10;
    CaseConversion naming = CaseConversion.SNAKE_CASE;
    final List<AlgebraicType> typespace = new ArrayList<>();
    final List<RawModuleDef.NamedType> types = new ArrayList<>();
    final List<TableBuilder> tables = new ArrayList<>();
    final List<RawModuleDef.Reducer> reducers = new ArrayList<>();
    final List<RawModuleDef.Procedure> procedures = new ArrayList<>();
    final List<RawModuleDef.View> views = new ArrayList<>();
    final List<RawModuleDef.Schedule> schedules = new ArrayList<>();
    final List<RawModuleDef.LifecycleReducer> lifecycleReducers = new ArrayList<>();
    final List<RawModuleDef.Default> defaults = new ArrayList<>();
    final List<RawModuleDef.ExplicitName> explicitNames = new ArrayList<>();
    final List<String> httpHandlers = new ArrayList<>();
    final List<RawModuleDef.HttpRoute> httpRoutes = new ArrayList<>();
    final List<RawModuleDef.ViewPrimaryKey> viewPrimaryKeys = new ArrayList<>();
    final List<RawModuleDef.Submodule> submodules = new ArrayList<>();
    final List<RawModuleDef.EnvironmentVariable> environment = new ArrayList<>();
    final List<RawModuleDef.Outbox> outboxes = new ArrayList<>();

    static RawModuleDefBuilder v10() {
        return new RawModuleDefBuilder();
    }

    static RawModuleDefBuilder v9() {
        RawModuleDefBuilder builder = new RawModuleDefBuilder();
        builder.version = 9;
        builder.naming = CaseConversion.NONE;
        return builder;
    }

    static ProductElement column(String name, AlgebraicType type) {
        return ProductElement.of(name, type);
    }

    /** Adds an entry to the typespace with a name and returns the reference. */
    AlgebraicType.Ref type(String name, AlgebraicType type) {
        AlgebraicType.Ref ref = new AlgebraicType.Ref(typespace.size());
        typespace.add(type);
        types.add(new RawModuleDef.NamedType(List.of(), name, ref.index(), true));
        return ref;
    }

    /** Adds a public table and its row type. */
    TableBuilder table(String name, ProductElement... columns) {
        TableBuilder table = new TableBuilder(name, type("RowType" + tables.size(), ProductType.of(columns)).index());
        tables.add(table);
        return table;
    }

    RawModuleDefBuilder reducer(String name, ProductElement... params) {
        reducers.add(new RawModuleDef.Reducer(
                name, ProductType.of(params), Visibility.CLIENT_CALLABLE, ProductType.UNIT, PrimitiveType.STRING));
        return this;
    }

    RawModuleDefBuilder procedure(String name, AlgebraicType returnType, ProductElement... params) {
        procedures.add(new RawModuleDef.Procedure(name, ProductType.of(params), returnType, Visibility.CLIENT_CALLABLE));
        return this;
    }

    RawModuleDefBuilder view(String name, AlgebraicType returnType) {
        views.add(new RawModuleDef.View(name, views.size(), true, false, ProductType.UNIT, returnType));
        return this;
    }

    RawModuleDef build() {
        return new RawModuleDef(
                version, naming, new Typespace(typespace), types, tables.stream().map(TableBuilder::build).toList(), reducers,
                procedures, views, schedules, lifecycleReducers, defaults, List.of(), explicitNames, httpHandlers, httpRoutes,
                viewPrimaryKeys, submodules, environment, outboxes);
    }

    ModuleDef define() {
        return ModuleDef.of(build());
    }

    static final class TableBuilder {
        private final String name;
        int ref;
        List<Integer> primaryKey = List.of();
        final List<RawModuleDef.Index> indexes = new ArrayList<>();
        final List<RawModuleDef.Constraint> constraints = new ArrayList<>();
        final List<RawModuleDef.Sequence> sequences = new ArrayList<>();
        TableKind kind = TableKind.USER;
        TableAccess access = TableAccess.PUBLIC;
        boolean event;

        private TableBuilder(String name, int ref) {
            this.name = name;
            this.ref = ref;
        }

        /** Primary key with its constraint and index. */
        TableBuilder key(int column) {
            primaryKey = List.of(column);
            return unique(column).btree("key_" + name, column);
        }

        TableBuilder unique(Integer... columns) {
            constraints.add(new RawModuleDef.Constraint(Optional.empty(), List.of(columns)));
            return this;
        }

        TableBuilder btree(String source, Integer... columns) {
            return index(source, new IndexAlgorithm.BTree(List.of(columns)));
        }

        TableBuilder index(String source, IndexAlgorithm algorithm) {
            indexes.add(new RawModuleDef.Index(Optional.of(source), Optional.empty(), algorithm));
            return this;
        }

        TableBuilder sequence(int column) {
            return sequence(column, null, null, null, 1);
        }

        TableBuilder sequence(int column, Integer start, Integer min, Integer max, int increment) {
            sequences.add(new RawModuleDef.Sequence(
                    Optional.empty(), column, big(start), big(min), big(max), BigInteger.valueOf(increment)));
            return this;
        }

        private static Optional<BigInteger> big(Integer v) {
            return Optional.ofNullable(v).map(BigInteger::valueOf);
        }

        private RawModuleDef.Table build() {
            return new RawModuleDef.Table(name, ref, primaryKey, indexes, constraints, sequences, kind, access, event);
        }
    }
}
