package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.Typespace;
import java.math.BigInteger;
import java.util.List;
import java.util.Optional;

/**
 * What a module says about itself, decoded but not checked (spec/module-def.md 1 to 3). Both versions have this one
 * shape: schedules, lifecycle reducers and default values of version 9 stand in their own lists, as in version 10.
 * Every cross-reference is by source name.
 *
 * @param version 9 or 10
 * @param naming how source names become canonical; {@link CaseConversion#NONE} for version 9
 * @param defaults values for columns that a migration adds
 * @param rowLevelSecurity SQL of the client visibility filters
 */
public record RawModuleDef(
        int version,
        CaseConversion naming,
        Typespace typespace,
        List<NamedType> types,
        List<Table> tables,
        List<Reducer> reducers,
        List<Procedure> procedures,
        List<View> views,
        List<Schedule> schedules,
        List<LifecycleReducer> lifecycleReducers,
        List<Default> defaults,
        List<String> rowLevelSecurity,
        List<ExplicitName> explicitNames,
        List<String> httpHandlers,
        List<HttpRoute> httpRoutes,
        List<ViewPrimaryKey> viewPrimaryKeys,
        List<Submodule> submodules,
        List<EnvironmentVariable> environment,
        List<Outbox> outboxes) {

    public RawModuleDef {
        types = List.copyOf(types);
        tables = List.copyOf(tables);
        reducers = List.copyOf(reducers);
        procedures = List.copyOf(procedures);
        views = List.copyOf(views);
        schedules = List.copyOf(schedules);
        lifecycleReducers = List.copyOf(lifecycleReducers);
        defaults = List.copyOf(defaults);
        rowLevelSecurity = List.copyOf(rowLevelSecurity);
        explicitNames = List.copyOf(explicitNames);
        httpHandlers = List.copyOf(httpHandlers);
        httpRoutes = List.copyOf(httpRoutes);
        viewPrimaryKeys = List.copyOf(viewPrimaryKeys);
        submodules = List.copyOf(submodules);
        environment = List.copyOf(environment);
        outboxes = List.copyOf(outboxes);
    }

    /**
     * Decodes what {@code __describe_module__} wrote.
     *
     * @throws dev.geodesic.engine.base.EngineException INVALID_MODULE_DEF if the bytes are no definition that this
     *     version knows, whatever they are
     */
    public static RawModuleDef decode(byte[] bytes) {
        return new RawModuleDefDecoder(bytes).decode();
    }

    public record NamedType(List<String> scope, String name, int ref, boolean customOrdering) {
    }

    public record Table(
            String name,
            int productTypeRef,
            List<Integer> primaryKey,
            List<Index> indexes,
            List<Constraint> constraints,
            List<Sequence> sequences,
            TableKind kind,
            TableAccess access,
            boolean event) {
    }

    /**
     * @param name source name; version 9 may leave it to the host
     * @param accessor name in client code
     */
    public record Index(Optional<String> name, Optional<String> accessor, IndexAlgorithm algorithm) {
    }

    /** A unique constraint. */
    public record Constraint(Optional<String> name, List<Integer> columns) {
    }

    public record Sequence(
            Optional<String> name,
            int column,
            Optional<BigInteger> start,
            Optional<BigInteger> minValue,
            Optional<BigInteger> maxValue,
            BigInteger increment) {
    }

    public record Reducer(
            String name, ProductType params, Visibility visibility, AlgebraicType okType, AlgebraicType errType) {
    }

    public record Procedure(String name, ProductType params, AlgebraicType returnType, Visibility visibility) {
    }

    /** @param index position among the views of its kind, anonymous or not; what the guest is called with */
    public record View(
            String name, int index, boolean isPublic, boolean isAnonymous, ProductType params, AlgebraicType returnType) {
    }

    public record Schedule(Optional<String> name, String table, int atColumn, String function) {
    }

    public record LifecycleReducer(Lifecycle lifecycle, String function) {
    }

    /** @param value BSATN of a value of the column's type */
    public record Default(String table, int column, byte[] value) {
    }

    public record ExplicitName(Kind kind, String source, String canonical) {

        /** The order is the order of the tags. */
        public enum Kind {
            TABLE,
            FUNCTION,
            INDEX
        }
    }

    /** @param method empty for any method; otherwise {@code Get} and so on, or the text of an extension method */
    public record HttpRoute(String handler, Optional<HttpMethod> method, String path) {
    }

    /** @param extension whether {@code name} is the module's own word */
    public record HttpMethod(String name, boolean extension) {
    }

    public record ViewPrimaryKey(String view, List<String> columns) {
    }

    public record Submodule(String namespace, RawModuleDef module) {
    }

    /**
     * A variable that the module reads; from crates 2.11 on.
     *
     * @param allowed the values that it may have; empty if any will do
     */
    public record EnvironmentVariable(String name, List<String> allowed, boolean optional) {

        public EnvironmentVariable {
            allowed = List.copyOf(allowed);
        }
    }

    /** A table whose rows are calls to another database; from crates 2.12 on. */
    public record Outbox(String table, String remoteReducer) {
    }
}
