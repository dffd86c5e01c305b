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
public final class RawModuleDefBuilder {

    public int version = 10;
    public CaseConversion naming = CaseConversion.SNAKE_CASE;
    public final List<AlgebraicType> typespace = new ArrayList<>();
    public final List<RawModuleDef.NamedType> types = new ArrayList<>();
    public final List<TableBuilder> tables = new ArrayList<>();
    public final List<RawModuleDef.Reducer> reducers = new ArrayList<>();
    public final List<RawModuleDef.Procedure> procedures = new ArrayList<>();
    public final List<RawModuleDef.View> views = new ArrayList<>();
    public final List<RawModuleDef.Schedule> schedules = new ArrayList<>();
    public final List<RawModuleDef.LifecycleReducer> lifecycleReducers = new ArrayList<>();
    public final List<RawModuleDef.Default> defaults = new ArrayList<>();
    public final List<String> rowLevelSecurity = new ArrayList<>();
    public final List<RawModuleDef.ExplicitName> explicitNames = new ArrayList<>();
    public final List<String> httpHandlers = new ArrayList<>();
    public final List<RawModuleDef.HttpRoute> httpRoutes = new ArrayList<>();
    public final List<RawModuleDef.ViewPrimaryKey> viewPrimaryKeys = new ArrayList<>();
    public final List<RawModuleDef.Submodule> submodules = new ArrayList<>();
    public final List<RawModuleDef.EnvironmentVariable> environment = new ArrayList<>();
    public final List<RawModuleDef.Outbox> outboxes = new ArrayList<>();

    public static RawModuleDefBuilder v10() {
        return new RawModuleDefBuilder();
    }

    public static RawModuleDefBuilder v9() {
        RawModuleDefBuilder builder = new RawModuleDefBuilder();
        builder.version = 9;
        builder.naming = CaseConversion.NONE;
        return builder;
    }

    public static ProductElement column(String name, AlgebraicType type) {
        return ProductElement.of(name, type);
    }

    /** Adds an entry to the typespace with a name and returns the reference. */
    public AlgebraicType.Ref type(String name, AlgebraicType type) {
        AlgebraicType.Ref ref = new AlgebraicType.Ref(typespace.size());
        typespace.add(type);
        types.add(new RawModuleDef.NamedType(List.of(), name, ref.index(), true));
        return ref;
    }

    /** Adds a public table and its row type. */
    public TableBuilder table(String name, ProductElement... columns) {
        TableBuilder table = new TableBuilder(name, type("RowType" + tables.size(), ProductType.of(columns)).index());
        tables.add(table);
        return table;
    }

    public RawModuleDefBuilder reducer(String name, ProductElement... params) {
        reducers.add(new RawModuleDef.Reducer(
                name, ProductType.of(params), Visibility.CLIENT_CALLABLE, ProductType.UNIT, PrimitiveType.STRING));
        return this;
    }

    public RawModuleDefBuilder procedure(String name, AlgebraicType returnType, ProductElement... params) {
        procedures.add(new RawModuleDef.Procedure(name, ProductType.of(params), returnType, Visibility.CLIENT_CALLABLE));
        return this;
    }

    public RawModuleDefBuilder view(String name, AlgebraicType returnType) {
        views.add(new RawModuleDef.View(name, views.size(), true, false, ProductType.UNIT, returnType));
        return this;
    }

    public RawModuleDef build() {
        return new RawModuleDef(
                version, naming, new Typespace(typespace), types, tables.stream().map(TableBuilder::build).toList(), reducers,
                procedures, views, schedules, lifecycleReducers, defaults, rowLevelSecurity, explicitNames, httpHandlers,
                httpRoutes,
                viewPrimaryKeys, submodules, environment, outboxes);
    }

    public ModuleDef define() {
        return ModuleDef.of(build());
    }

    public static final class TableBuilder {
        private final String name;
        public int ref;
        public List<Integer> primaryKey = List.of();
        public final List<RawModuleDef.Index> indexes = new ArrayList<>();
        public final List<RawModuleDef.Constraint> constraints = new ArrayList<>();
        public final List<RawModuleDef.Sequence> sequences = new ArrayList<>();
        public TableKind kind = TableKind.USER;
        public TableAccess access = TableAccess.PUBLIC;
        public boolean event;

        private TableBuilder(String name, int ref) {
            this.name = name;
            this.ref = ref;
        }

        /** Primary key with its constraint and index. */
        public TableBuilder key(int column) {
            primaryKey = List.of(column);
            return unique(column).btree("key_" + name, column);
        }

        public TableBuilder unique(Integer... columns) {
            constraints.add(new RawModuleDef.Constraint(Optional.empty(), List.of(columns)));
            return this;
        }

        public TableBuilder btree(String source, Integer... columns) {
            return index(source, new IndexAlgorithm.BTree(List.of(columns)));
        }

        public TableBuilder index(String source, IndexAlgorithm algorithm) {
            indexes.add(new RawModuleDef.Index(Optional.of(source), Optional.empty(), algorithm));
            return this;
        }

        public TableBuilder sequence(int column) {
            return sequence(column, null, null, null, 1);
        }

        public TableBuilder sequence(int column, Integer start, Integer min, Integer max, int increment) {
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
