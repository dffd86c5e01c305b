package dev.geodesic.engine.schema;

import dev.geodesic.sats.Typespace;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * A definition that has passed every rule of spec/module-def.md section 6, with canonical names. Immutable; any thread.
 * Whether this version can run it is another question, which {@link UnsupportedFeatures} answers.
 */
public final class ModuleDef {

    private static final int NAMESPACE_BYTES_MAX = 63;

    private final RawModuleDef raw;
    private final Typespace typespace;
    private final List<TypeDef> types;
    private final List<TableDef> tables;
    private final List<ReducerDef> reducers;
    private final List<ProcedureDef> procedures;
    private final List<ViewDef> views;
    private final List<RouteDef> routes;
    private final Map<String, TableDef> tablesByName;
    private final Map<String, TableDef> tablesByAccessor;
    private final Map<String, ReducerDef> reducersByName;
    private final Map<String, ReducerDef> reducersByAccessor;

    private ModuleDef(
            RawModuleDef raw, Typespace typespace, List<TypeDef> types, List<TableDef> tables, List<ReducerDef> reducers,
            List<ProcedureDef> procedures, List<ViewDef> views, List<RouteDef> routes) {
        this.raw = raw;
        this.typespace = typespace;
        this.types = List.copyOf(types);
        this.tables = tables.stream().sorted(Comparator.comparing(TableDef::name, Names.ORDER)).toList();
        this.reducers = List.copyOf(reducers);
        this.procedures = List.copyOf(procedures);
        this.views = List.copyOf(views);
        this.routes = List.copyOf(routes);
        this.tablesByName = index(tables, TableDef::name);
        this.tablesByAccessor = index(tables, TableDef::accessor);
        this.reducersByName = index(reducers, ReducerDef::name);
        this.reducersByAccessor = index(reducers, ReducerDef::accessor);
    }

    private static <T> Map<String, T> index(List<T> list, Function<T, String> name) {
        Map<String, T> map = new HashMap<>();
        list.forEach(e -> map.put(name.apply(e), e));
        return map;
    }

    /**
     * Decodes and checks what {@code __describe_module__} wrote.
     *
     * @throws dev.geodesic.engine.base.EngineException INVALID_MODULE_DEF with everything that is wrong
     */
    public static ModuleDef decode(byte[] bytes) {
        return of(RawModuleDef.decode(bytes));
    }

    /**
     * Checks and names a definition. Submodules are not looked into beyond what stands in their root.
     *
     * @throws dev.geodesic.engine.base.EngineException INVALID_MODULE_DEF with everything that is wrong
     */
    public static ModuleDef of(RawModuleDef raw) {
        ValidationErrors errors = new ValidationErrors();
        TypeValidator types = new TypeValidator(raw, errors);
        List<TypeDef> typeDefs = types.validate();
        Names names = new Names(raw, errors);
        FunctionValidator functions = new FunctionValidator(raw, names, types, errors);
        List<TableDef> tables = tables(raw, types, names, functions, errors);
        List<ReducerDef> reducers = functions.reducers();
        List<ProcedureDef> procedures = functions.procedures();
        List<ViewDef> views = functions.views(tables);
        functions.lifecycle();
        List<RouteDef> routes = functions.routes();
        checkSubmodules(raw, errors);
        errors.throwIfAny();
        return new ModuleDef(raw, types.typespace(), typeDefs, tables, reducers, procedures, views, routes);
    }

    private static List<TableDef> tables(
            RawModuleDef raw, TypeValidator types, Names names, FunctionValidator functions, ValidationErrors errors) {
        Map<String, TableDef.Schedule> schedules = functions.schedules();
        Map<String, List<RawModuleDef.Default>> defaults = new HashMap<>();
        Set<String> known = new HashSet<>();
        raw.tables().forEach(t -> known.add(t.name()));
        for (RawModuleDef.Default d : raw.defaults()) {
            if (!known.contains(d.table())) {
                errors.add("Table " + d.table() + " not found");
            }
            defaults.computeIfAbsent(d.table(), t -> new ArrayList<>()).add(d);
        }
        List<TableDef> tables = new ArrayList<>();
        for (RawModuleDef.Table table : raw.tables()) {
            new TableValidator(table, raw.version(), names, errors)
                    .validate(
                            types,
                            Optional.ofNullable(schedules.get(table.name())),
                            defaults.getOrDefault(table.name(), List.of()))
                    .ifPresent(tables::add);
        }
        return tables;
    }

    private static void checkSubmodules(RawModuleDef raw, ValidationErrors errors) {
        Set<String> seen = new HashSet<>();
        for (RawModuleDef.Submodule s : raw.submodules()) {
            String namespace = s.namespace();
            errors.checkIdentifier(namespace);
            int length = namespace.getBytes(StandardCharsets.UTF_8).length;
            if (length > NAMESPACE_BYTES_MAX) {
                errors.add("submodule namespace `" + namespace + "` is " + length + " bytes, which exceeds the "
                        + NAMESPACE_BYTES_MAX + "-byte limit");
            }
            if (!seen.add(namespace)) {
                errors.add("name `" + namespace + "` is used for multiple submodules");
            }
            for (RawModuleDef.LifecycleReducer l : s.module().lifecycleReducers()) {
                errors.add("lifecycle event " + l.lifecycle().text() + " is not permitted in submodule under namespace `"
                        + namespace + "`; lifecycle reducers may only be declared in the root module");
            }
            checkSubmodules(s.module(), errors);
        }
    }

    /** What the module said, for what this class has no view of. */
    public RawModuleDef raw() {
        return raw;
    }

    /** Version of the definition: 9 or 10. */
    public int version() {
        return raw.version();
    }

    /** Types with canonical names of fields and variants. */
    public Typespace typespace() {
        return typespace;
    }

    public List<TypeDef> types() {
        return types;
    }

    /** Sorted by canonical name, the order in which they get ids. */
    public List<TableDef> tables() {
        return tables;
    }

    /** The table with this canonical name or, if there is none, with this name in the source. */
    public Optional<TableDef> table(String name) {
        return Optional.ofNullable(tablesByName.getOrDefault(name, tablesByAccessor.get(name)));
    }

    /** By id. */
    public List<ReducerDef> reducers() {
        return reducers;
    }

    /** The reducer with this canonical name, as callers know it. */
    public Optional<ReducerDef> reducer(String name) {
        return Optional.ofNullable(reducersByName.get(name));
    }

    /** The reducer with this name in the source. */
    public Optional<ReducerDef> reducerByAccessor(String accessor) {
        return Optional.ofNullable(reducersByAccessor.get(accessor));
    }

    /** The reducer that the host calls at this moment. */
    public Optional<ReducerDef> lifecycleReducer(Lifecycle lifecycle) {
        return raw.lifecycleReducers().stream()
                .filter(l -> l.lifecycle() == lifecycle)
                .findFirst()
                .flatMap(l -> reducerByAccessor(l.function()));
    }

    /** By id. */
    public List<ProcedureDef> procedures() {
        return procedures;
    }

    /** The procedure with this canonical name, as callers know it. */
    public Optional<ProcedureDef> procedure(String name) {
        return procedures.stream().filter(p -> p.name().equals(name)).findFirst();
    }

    /** In order of definition. */
    public List<RouteDef> routes() {
        return routes;
    }

    /** Who answers a request: the first route with this path and method. */
    public Optional<HttpHandlerDef> handler(String method, String path) {
        return routes.stream().filter(r -> r.matches(method, path)).findFirst().map(RouteDef::handler);
    }

    public List<ViewDef> views() {
        return views;
    }

    /** Sorted by canonical name, the order in which they get ids. */
    public List<ViewDef> sortedViews() {
        return views.stream().sorted(Comparator.comparing(ViewDef::name, Names.ORDER)).toList();
    }

    /** The view with this canonical name. */
    public Optional<ViewDef> view(String name) {
        return views.stream().filter(v -> v.name().equals(name)).findFirst();
    }
}
