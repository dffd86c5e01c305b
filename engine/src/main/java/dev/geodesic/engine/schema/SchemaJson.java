package dev.geodesic.engine.schema;

import dev.geodesic.engine.schema.RawModuleDef.HttpMethod;
import dev.geodesic.sats.JsonWriter;
import dev.geodesic.sats.TypeJson;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The schema documents (spec/http-api.md 6.9): a definition as typed SATS-JSON in the shape of version 9 or 10, whatever
 * version the module has. Version 9 has canonical names; version 10 has source names and a table of canonical ones,
 * though types, constraints and sequences are canonical already.
 */
public final class SchemaJson {

    private final ModuleDef def;
    private final JsonWriter out;

    private SchemaJson(ModuleDef def, JsonWriter out) {
        this.def = def;
        this.out = out;
    }

    public static void writeV9(ModuleDef def, JsonWriter out) {
        new SchemaJson(def, out).writeV9();
    }

    public static void writeV10(ModuleDef def, JsonWriter out) {
        new SchemaJson(def, out).writeV10();
    }

    // Version 9

    private void writeV9() {
        out.beginObject().key("typespace");
        TypeJson.write(def.typespace(), out);
        array("tables", def.tables(), this::writeTableV9);
        array("reducers", def.reducers(), r -> {
            out.key("name").string(r.name()).key("params");
            TypeJson.writeProduct(r.declaredParams(), out);
            out.key("lifecycle");
            option(r.lifecycle(), l -> unit(l.text()));
        });
        array("types", def.types(), t -> writeType(t, "name"));
        out.key("misc_exports").beginArray();
        writeMiscExports();
        out.endArray();
        array("row_level_security", def.raw().rowLevelSecurity(), sql -> out.key("sql").string(sql));
        out.endObject();
    }

    private void writeTableV9(TableDef t) {
        out.key("name").string(t.name());
        writeTableParts(t, "name", TableDef.Index::name);
        out.key("schedule");
        option(t.schedule(), s -> {
            out.beginObject().key("name");
            TypeJson.writeName(Optional.of(s.name()), out);
            out.key("reducer_name").string(s.function());
            out.key("scheduled_at_column").number(s.atColumn()).endObject();
        });
        writeKindAndAccess(t);
    }

    private void writeMiscExports() {
        for (TableDef t : def.tables()) {
            for (TableDef.Default d : t.defaults()) {
                out.beginObject().key("ColumnDefaultValue").beginObject().key("table").string(t.name());
                writeDefault(d);
                out.endObject().endObject();
            }
        }
        for (ProcedureDef p : def.procedures()) {
            out.beginObject().key("Procedure").beginObject().key("name").string(p.name());
            writeProcedure(p);
            out.endObject().endObject();
        }
        for (ViewDef v : def.views()) {
            out.beginObject().key("View").beginObject().key("name").string(v.name());
            writeView(v);
            out.endObject().endObject();
        }
    }

    // Version 10

    private void writeV10() {
        RawModuleDef raw = def.raw();
        out.beginObject().key("sections").beginArray();
        out.beginObject().key("Typespace");
        TypeJson.write(def.typespace(), out);
        out.endObject();
        section("Types", def.types(), t -> writeType(t, "source_name"));
        section("Tables", def.tables(), this::writeTableV10);
        section("Reducers", def.reducers(), r -> {
            out.key("source_name").string(r.accessor()).key("params");
            TypeJson.writeProduct(r.declaredParams(), out);
            out.key("visibility");
            unit(r.visibility().text());
            out.key("ok_return_type");
            TypeJson.write(r.okType(), out);
            out.key("err_return_type");
            TypeJson.write(r.errType(), out);
        });
        section("Procedures", def.procedures(), p -> {
            out.key("source_name").string(p.accessor());
            writeProcedure(p);
            out.key("visibility");
            unit(p.visibility().text());
        });
        section("Views", def.views(), v -> {
            out.key("source_name").string(v.accessor());
            writeView(v);
        });
        writeSchedules(raw);
        section("LifeCycleReducers", raw.lifecycleReducers(), l -> {
            out.key("lifecycle_spec");
            unit(l.lifecycle().text());
            out.key("function_name").string(l.function());
        });
        section("RowLevelSecurity", raw.rowLevelSecurity(), sql -> out.key("sql").string(sql));
        writeExplicitNames();
        section("HttpHandlers", raw.httpHandlers(), h -> out.key("source_name").string(h));
        section("HttpRoutes", raw.httpRoutes(), r -> {
            out.key("handler_function").string(r.handler()).key("method");
            writeMethod(r.method());
            out.key("path").string(r.path());
        });
        section("ViewPrimaryKeys", raw.viewPrimaryKeys(), k -> {
            out.key("view_source_name").string(k.view()).key("columns").beginArray();
            k.columns().forEach(out::string);
            out.endArray();
        });
        out.endArray().endObject();
    }

    private void writeTableV10(TableDef t) {
        out.key("source_name").string(t.accessor());
        writeTableParts(t, "source_name", TableDef.Index::source);
        writeKindAndAccess(t);
        array("default_values", t.defaults(), this::writeDefault);
        out.key("is_event").bool(t.event());
    }

    private void writeSchedules(RawModuleDef raw) {
        Map<String, TableDef> tables = def.tables().stream().collect(Collectors.toMap(TableDef::accessor, t -> t));
        section("Schedules", raw.schedules(), s -> {
            out.key("source_name");
            TypeJson.writeName(tables.get(s.table()).schedule().map(TableDef.Schedule::name), out);
            out.key("table_name").string(s.table());
            out.key("schedule_at_col").number(s.atColumn());
            out.key("function_name").string(s.function());
        });
    }

    private void writeExplicitNames() {
        out.beginObject().key("ExplicitNames").beginObject().key("entries").beginArray();
        def.tables().forEach(t -> explicitName("Table", t.accessor(), t.name()));
        def.reducers().forEach(r -> explicitName("Function", r.accessor(), r.name()));
        def.procedures().forEach(p -> explicitName("Function", p.accessor(), p.name()));
        def.views().forEach(v -> explicitName("Function", v.accessor(), v.name()));
        // A reader generates the names of indexes from those of their table, unless the module chose them.
        for (RawModuleDef.ExplicitName name : def.raw().explicitNames()) {
            if (name.kind() == RawModuleDef.ExplicitName.Kind.INDEX) {
                explicitName("Index", name.source(), name.canonical());
            }
        }
        out.endArray().endObject().endObject();
    }

    private void explicitName(String kind, String source, String canonical) {
        out.beginObject().key(kind).beginObject();
        out.key("source_name").string(source).key("canonical_name").string(canonical);
        out.endObject().endObject();
    }

    private void writeMethod(Optional<HttpMethod> method) {
        if (method.isEmpty()) {
            unit("Any");
            return;
        }
        out.beginObject().key("Method");
        if (method.get().extension()) {
            out.beginObject().key("Extension").string(method.get().name()).endObject();
        } else {
            unit(method.get().name());
        }
        out.endObject();
    }

    // Both versions

    /** @param nameKey what version 9 calls {@code name} is {@code source_name} in version 10 */
    private void writeTableParts(TableDef t, String nameKey, Function<TableDef.Index, String> indexName) {
        out.key("product_type_ref").number(t.rowRef()).key("primary_key").beginArray();
        t.primaryKey().ifPresent(out::number);
        out.endArray();
        array("indexes", t.indexes(), i -> {
            out.key(nameKey);
            TypeJson.writeName(Optional.of(indexName.apply(i)), out);
            out.key("accessor_name");
            TypeJson.writeName(i.accessor(), out);
            out.key("algorithm");
            writeAlgorithm(i.algorithm());
        });
        array("constraints", t.constraints(), c -> {
            out.key(nameKey);
            TypeJson.writeName(Optional.of(c.name()), out);
            out.key("data").beginObject().key("Unique").beginObject().key("columns");
            columns(c.columns());
            out.endObject().endObject();
        });
        array("sequences", t.sequences(), s -> {
            out.key(nameKey);
            TypeJson.writeName(Optional.of(s.name()), out);
            out.key("column").number(s.column()).key("start");
            option(s.start(), this::number);
            out.key("min_value");
            option(s.minValue(), this::number);
            out.key("max_value");
            option(s.maxValue(), this::number);
            out.key("increment");
            number(s.increment());
        });
    }

    private void writeKindAndAccess(TableDef t) {
        out.key("table_type");
        unit("User");
        out.key("table_access");
        unit(t.access() == TableAccess.PUBLIC ? "Public" : "Private");
    }

    private void writeAlgorithm(IndexAlgorithm algorithm) {
        out.beginObject();
        switch (algorithm) {
            case IndexAlgorithm.BTree b -> {
                out.key("BTree");
                columns(b.columns());
            }
            case IndexAlgorithm.Hash h -> {
                out.key("Hash");
                columns(h.columns());
            }
            case IndexAlgorithm.Direct d -> out.key("Direct").number(d.column());
        }
        out.endObject();
    }

    private void writeDefault(TableDef.Default d) {
        out.key("col_id").number(d.column()).key("value").hexString(d.value(), 0, d.value().length);
    }

    private void writeProcedure(ProcedureDef p) {
        out.key("params");
        TypeJson.writeProduct(p.declaredParams(), out);
        out.key("return_type");
        TypeJson.write(p.declaredReturnType(), out);
    }

    private void writeView(ViewDef v) {
        out.key("index").number(Integer.toUnsignedLong(v.index()));
        out.key("is_public").bool(v.isPublic()).key("is_anonymous").bool(v.isAnonymous()).key("params");
        TypeJson.writeProduct(v.params(), out);
        out.key("return_type");
        TypeJson.write(v.returnType(), out);
    }

    private void writeType(TypeDef t, String nameKey) {
        out.key(nameKey).beginObject().key("scope").beginArray();
        t.scope().forEach(out::string);
        out.endArray().key(nameKey).string(t.name()).endObject();
        out.key("ty").number(t.ref()).key("custom_ordering").bool(t.customOrdering());
    }

    private <T> void section(String name, List<T> list, Consumer<T> fields) {
        if (!list.isEmpty()) {
            out.beginObject();
            array(name, list, fields);
            out.endObject();
        }
    }

    private <T> void array(String name, List<T> list, Consumer<T> fields) {
        out.key(name).beginArray();
        for (T element : list) {
            out.beginObject();
            fields.accept(element);
            out.endObject();
        }
        out.endArray();
    }

    private void columns(List<Integer> columns) {
        out.beginArray();
        columns.forEach(out::number);
        out.endArray();
    }

    private void number(BigInteger v) {
        out.raw(v.toString());
    }

    private void unit(String variant) {
        out.beginObject().key(variant).beginArray().endArray().endObject();
    }

    private <T> void option(Optional<T> value, Consumer<T> some) {
        out.beginObject();
        if (value.isPresent()) {
            out.key("some");
            some.accept(value.get());
        } else {
            out.key("none").beginArray().endArray();
        }
        out.endObject();
    }
}
