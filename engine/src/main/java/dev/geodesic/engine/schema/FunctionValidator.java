package dev.geodesic.engine.schema;

import dev.geodesic.engine.schema.RawModuleDef.HttpRoute;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/** The rules of spec/module-def.md 6.3 and 6.4: reducers, procedures, views, schedules, lifecycle, HTTP. */
final class FunctionValidator {

    /** Positions of columns are u16, and the first one says whose rows they are. */
    private static final int VIEW_COLUMNS_MAX = (1 << 16) - 1;
    private static final Pattern ROUTE_PATH = Pattern.compile("|/[a-z0-9\\-_~/]*");

    private final RawModuleDef raw;
    private final Names names;
    private final TypeValidator types;
    private final ValidationErrors errors;
    private final Set<String> functionNames = new HashSet<>();
    private final Map<String, Lifecycle> lifecycles = new HashMap<>();
    private final Set<String> scheduled = new HashSet<>();

    FunctionValidator(RawModuleDef raw, Names names, TypeValidator types, ValidationErrors errors) {
        this.raw = raw;
        this.names = names;
        this.types = types;
        this.errors = errors;
        raw.lifecycleReducers().forEach(l -> lifecycles.put(l.function(), l.lifecycle()));
        raw.schedules().forEach(s -> scheduled.add(s.function()));
    }

    private String claim(String source) {
        String name = names.function(source);
        errors.checkIdentifier(name);
        if (!functionNames.add(name)) {
            errors.add("Name " + name + " is used for multiple reducers, procedures and/or views");
        }
        return name;
    }

    /** What version 9 cannot say: lifecycle and scheduled functions are no business of clients. */
    private Visibility visibility(Visibility declared, String source) {
        boolean host = raw.version() >= 10 && (lifecycles.containsKey(source) || scheduled.contains(source));
        return host ? Visibility.PRIVATE : declared;
    }

    List<ReducerDef> reducers() {
        List<ReducerDef> reducers = new ArrayList<>();
        for (RawModuleDef.Reducer r : raw.reducers()) {
            String name = claim(r.name());
            checkParams("reducer `" + name + "`", r.params());
            if (!SpecialTypes.isUnit(r.okType()) || r.errType() != PrimitiveType.STRING) {
                errors.add("reducer " + name + " has invalid return type: found Result<" + TypeSize.text(r.okType()) + ", "
                        + TypeSize.text(r.errType()) + ">");
            }
            types.resolve(r.params(), "reducer `" + name + "` arguments").ifPresent(params -> reducers.add(new ReducerDef(
                    reducers.size(), name, r.name(), params, r.params(), Optional.ofNullable(lifecycles.get(r.name())),
                    visibility(r.visibility(), r.name()), r.okType(), r.errType())));
        }
        return reducers;
    }

    List<ProcedureDef> procedures() {
        List<ProcedureDef> procedures = new ArrayList<>();
        for (RawModuleDef.Procedure p : raw.procedures()) {
            String name = claim(p.name());
            checkParams("procedure `" + name + "`", p.params());
            int before = errors.count();
            types.checkUse(p.returnType(), "procedure `" + name + "` return value");
            if (errors.count() > before) {
                continue;
            }
            ProductType result = new ProductType(List.of(ProductElement.of("return", p.returnType())));
            types.resolve(p.params(), "procedure `" + name + "` arguments").ifPresent(params ->
                    types.resolve(result, "procedure `" + name + "` return value").ifPresent(returned ->
                            procedures.add(new ProcedureDef(
                                    procedures.size(), name, p.name(), params, returned.elements().getFirst().type(),
                                    p.params(), p.returnType(), visibility(p.visibility(), p.name())))));
        }
        return procedures;
    }

    private void checkParams(String function, ProductType params) {
        for (int i = 0; i < params.elements().size(); i++) {
            ProductElement param = params.elements().get(i);
            String location = function + " argument " + i + param.name().map(n -> " (`" + n + "`)").orElse("");
            if (param.name().isEmpty()) {
                types.addCodegenError(location, "all reducer parameters require names");
            } else {
                errors.checkIdentifier(param.name().get());
            }
            types.checkUse(param.type(), location);
        }
    }

    void lifecycle() {
        Set<String> reducers = new HashSet<>();
        raw.reducers().forEach(r -> reducers.add(r.name()));
        Set<Lifecycle> seen = EnumSet.noneOf(Lifecycle.class);
        for (RawModuleDef.LifecycleReducer l : raw.lifecycleReducers()) {
            if (!seen.add(l.lifecycle())) {
                errors.add("Multiple reducers defined for lifecycle event " + l.lifecycle().text());
            }
            if (!reducers.contains(l.function())) {
                errors.add("lifecycle event " + l.lifecycle().text() + " without reducer");
            }
        }
    }

    /** Schedules by the source name of their table. */
    Map<String, TableDef.Schedule> schedules() {
        Map<String, RawModuleDef.Table> tables = new HashMap<>();
        raw.tables().forEach(t -> tables.put(t.name(), t));
        Map<String, ProductType> reducers = new HashMap<>();
        raw.reducers().forEach(r -> reducers.put(r.name(), r.params()));
        Map<String, ProductType> procedures = new HashMap<>();
        raw.procedures().forEach(p -> procedures.put(p.name(), p.params()));

        Map<String, TableDef.Schedule> schedules = new HashMap<>();
        for (RawModuleDef.Schedule s : raw.schedules()) {
            RawModuleDef.Table table = tables.get(s.table());
            if (table == null) {
                errors.add("Table " + s.table() + " not found");
                continue;
            }
            String generated = names.table(s.table()) + "_sched";
            String name = raw.version() >= 10 ? generated : s.name().orElse(generated);
            names.claim(name, s);
            ProductType params = reducers.getOrDefault(s.function(), procedures.get(s.function()));
            if (params == null) {
                errors.add("Schedule " + name + " refers to a scheduled reducer or procedure " + s.function()
                        + " that does not exist");
            } else {
                AlgebraicType row = new AlgebraicType.Ref(table.productTypeRef());
                if (params.elements().size() != 1 || !params.elements().getFirst().type().equals(row)) {
                    errors.add("Scheduled " + (reducers.containsKey(s.function()) ? "reducer " : "procedure ") + s.function()
                            + " expected to have type (" + TypeSize.text(row) + "), but has type " + TypeSize.text(params));
                }
            }
            if (schedules.put(s.table(), new TableDef.Schedule(name, s.atColumn(), names.function(s.function()))) != null) {
                errors.add("table " + names.table(s.table()) + " is assigned in multiple schedules");
            }
        }
        return schedules;
    }

    /** @param tables those of the module, whose keys are also those of queries for their rows */
    List<ViewDef> views(List<TableDef> tables) {
        Map<String, String> keys = viewPrimaryKeys();
        List<ViewDef> views = new ArrayList<>();
        for (RawModuleDef.View v : raw.views()) {
            String name = claim(v.name());
            names.claim(name, v);
            checkParams("view `" + name + "`", v.params());
            Optional<AlgebraicType.Ref> row = rowType(v.returnType());
            Optional<ProductType> rowType = row.flatMap(r -> types.product(r.index()));
            if (rowType.isEmpty()) {
                errors.add("View " + name + " has invalid return type " + TypeSize.text(v.returnType()));
                continue;
            }
            Optional<String> key = Optional.ofNullable(keys.get(v.name()));
            key.filter(k -> raw.typespace().types().get(row.get().index()) instanceof ProductType p
                            && p.elements().stream().noneMatch(e -> e.name().equals(Optional.of(k))))
                    .ifPresent(k -> errors.add("Primary key column " + k + " for view " + name + " not found"));
            ProductType params = new ProductType(v.params().elements().stream()
                    .map(p -> new ProductElement(p.name().map(names::snake), p.type()))
                    .toList());
            List<ColumnSchema> columns = columns(name, rowType.get(), row.get().index());
            views.add(new ViewDef(
                    name, v.name(), v.index(), v.isPublic(), v.isAnonymous(), params, v.returnType(), row.get().index(), key,
                    columns, key.map(k -> position(columns, k)).orElseGet(() -> inheritedKey(v, row.get().index(), tables))));
        }
        return views;
    }

    private List<ColumnSchema> columns(String view, ProductType rowType, int ref) {
        if (rowType.elements().stream().anyMatch(e -> e.name().isEmpty())) {
            errors.add("view `" + view + "` has an unnamed column, which is forbidden.");
            return List.of();
        }
        if (rowType.elements().size() > VIEW_COLUMNS_MAX) {
            errors.add("view `" + view + "` has more than " + VIEW_COLUMNS_MAX + " columns");
            return List.of();
        }
        Set<String> seen = new HashSet<>();
        for (ProductElement element : rowType.elements()) {
            String column = element.name().orElseThrow();
            errors.checkIdentifier(column);
            if (!seen.add(column)) {
                errors.add("view `" + view + "` has more than one column named `" + column + "`");
            }
        }
        return types.resolve(rowType, "view `" + view + "`")
                .map(t -> TableValidator.columns(t, types.sourceNames(ref)))
                .orElse(List.of());
    }

    private static OptionalInt position(List<ColumnSchema> columns, String source) {
        return columns.stream()
                .filter(c -> c.accessor().orElse(c.name()).equals(source))
                .mapToInt(ColumnSchema::position)
                .findFirst();
    }

    /** A query view has the key of the tables with its rows, if they agree (spec/module-def.md 6.4). */
    private OptionalInt inheritedKey(RawModuleDef.View view, int ref, List<TableDef> tables) {
        if (raw.version() < 10 || !isQuery(view.returnType())) {
            return OptionalInt.empty();
        }
        int[] keys = tables.stream()
                .filter(t -> t.rowRef() == ref && t.primaryKey().isPresent())
                .mapToInt(t -> t.primaryKey().getAsInt())
                .distinct()
                .toArray();
        return keys.length == 1 ? OptionalInt.of(keys[0]) : OptionalInt.empty();
    }

    private static boolean isQuery(AlgebraicType type) {
        return type instanceof ProductType p && p.elements().size() == 1
                && p.elements().getFirst().name().equals(Optional.of("__query__"));
    }

    private static Optional<AlgebraicType.Ref> rowType(AlgebraicType type) {
        AlgebraicType row = switch (type) {
            case ArrayType array -> array.element();
            case ProductType p when isQuery(p) -> p.elements().getFirst().type();
            default -> SpecialTypes.optionPayload(type).orElse(type);
        };
        return row != type && row instanceof AlgebraicType.Ref ref ? Optional.of(ref) : Optional.empty();
    }

    /** Key columns by source name of the view. */
    private Map<String, String> viewPrimaryKeys() {
        Set<String> views = new HashSet<>();
        raw.views().forEach(v -> views.add(v.name()));
        Map<String, String> keys = new HashMap<>();
        Set<String> seen = new HashSet<>();
        for (RawModuleDef.ViewPrimaryKey key : raw.viewPrimaryKeys()) {
            if (!views.contains(key.view())) {
                errors.add("View " + key.view() + " referenced by primary key definition not found");
            }
            if (!seen.add(key.view())) {
                errors.add("View " + key.view() + " has multiple primary key definitions");
            }
            if (key.columns().size() > 1) {
                errors.add("View " + key.view() + " has multiple primary key columns: " + key.columns());
            } else if (!key.columns().isEmpty()) {
                keys.put(key.view(), key.columns().getFirst());
            }
        }
        return keys;
    }

    List<RouteDef> routes() {
        Map<String, HttpHandlerDef> handlers = new HashMap<>();
        List<RouteDef> defs = new ArrayList<>();
        Set<String> canonical = new HashSet<>();
        for (String handler : raw.httpHandlers()) {
            String name = names.function(handler);
            errors.checkIdentifier(name);
            handlers.put(handler, new HttpHandlerDef(handlers.size(), name, handler));
            if (!canonical.add(name)) {
                errors.add("HTTP handler name " + name + " is used for multiple HTTP handlers");
            }
        }
        Map<String, Set<Optional<RawModuleDef.HttpMethod>>> routes = new HashMap<>();
        for (HttpRoute route : raw.httpRoutes()) {
            if (!handlers.containsKey(route.handler())) {
                errors.add("HTTP route refers to unknown HTTP handler `" + route.handler() + "`");
            }
            if (!ROUTE_PATH.matcher(route.path()).matches()) {
                errors.add("HTTP route path `" + route.path()
                        + "` is invalid; allowed characters are ASCII lowercase letters, digits and `-_~/`");
            }
            Set<Optional<RawModuleDef.HttpMethod>> methods = routes.computeIfAbsent(route.path(), p -> new HashSet<>());
            boolean overlaps = methods.contains(Optional.empty())
                    || route.method().isEmpty() && !methods.isEmpty()
                    || methods.contains(route.method());
            if (overlaps) {
                errors.add("HTTP route duplicates method " + route.method().map(RawModuleDef.HttpMethod::name).orElse("Any")
                        + " for path " + route.path());
            }
            methods.add(route.method());
            Optional<String> method = route.method()
                    .map(m -> m.extension() ? m.name() : m.name().toUpperCase(Locale.ROOT));
            defs.add(new RouteDef(method, route.path(), handlers.get(route.handler())));
        }
        return defs;
    }
}
