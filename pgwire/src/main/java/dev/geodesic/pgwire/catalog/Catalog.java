package dev.geodesic.pgwire.catalog;

import dev.geodesic.engine.query.VisibleColumns;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.pgwire.type.ColumnType;
import dev.geodesic.pgwire.type.PgType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The tables of PostgreSQL's catalogue for one database and one caller. User tables lie in the schema {@code public}, those of
 * the system in {@code pg_catalog}, where tools do not list them unless asked. Not thread-safe.
 */
public final class Catalog {

    static final String PUBLIC = "public";
    static final String PG_CATALOG = "pg_catalog";

    private static final long PG_CATALOG_OID = 11;
    private static final long PUBLIC_OID = 2_200;
    private static final long OWNER_OID = 10;
    private static final long DATABASE_OID = 16_384;
    private static final long BTREE_OID = 403;
    private static final long HASH_OID = 405;
    private static final long TABLESPACE_OID = 1_663;
    private static final long UTF8 = 6;
    private static final long TABLE_OIDS = 20_000;
    private static final long INDEX_OIDS = 1L << 30;
    private static final long CONSTRAINT_OIDS = 1L << 29;

    /** Tables of PostgreSQL that have no rows here. */
    private static final Set<String> EMPTY = Set.of(
            "pg_aggregate", "pg_attrdef", "pg_auth_members", "pg_authid", "pg_available_extensions", "pg_cast", "pg_collation",
            "pg_conversion", "pg_db_role_setting", "pg_default_acl", "pg_depend", "pg_description", "pg_enum",
            "pg_event_trigger", "pg_extension", "pg_foreign_data_wrapper", "pg_foreign_server", "pg_foreign_table",
            "pg_inherits", "pg_init_privs", "pg_language", "pg_largeobject", "pg_largeobject_metadata", "pg_locks",
            "pg_matviews", "pg_opclass", "pg_operator", "pg_opfamily", "pg_partitioned_table", "pg_policies", "pg_policy",
            "pg_prepared_statements", "pg_prepared_xacts", "pg_proc", "pg_publication", "pg_publication_namespace",
            "pg_publication_rel", "pg_publication_tables", "pg_range", "pg_replication_slots", "pg_rewrite", "pg_rules",
            "pg_seclabel", "pg_seclabels", "pg_sequence", "pg_sequences", "pg_shdepend", "pg_shdescription", "pg_stat_activity",
            "pg_stat_all_tables", "pg_stat_user_tables", "pg_statistic", "pg_statistic_ext", "pg_stats", "pg_subscription",
            "pg_transform", "pg_trigger", "pg_ts_config", "pg_ts_dict", "pg_ts_parser", "pg_ts_template",
            "pg_user_mapping", "pg_user_mappings", "pg_indexes");
    private static final Set<String> EMPTY_INFORMATION = Set.of(
            "routines", "parameters", "triggers", "sequences", "key_column_usage", "table_constraints",
            "referential_constraints", "constraint_column_usage", "check_constraints", "domains", "role_table_grants",
            "table_privileges", "column_privileges", "views");

    private final String database;
    private final String owner;
    private final String user;
    private final List<TableSchema> tables;
    private final Function<String, Optional<String>> variables;
    private final Map<String, Supplier<Relation>> relations = new HashMap<>();
    private final Map<String, Relation> built = new HashMap<>();
    private final Map<Long, String> classes = new LinkedHashMap<>();
    private final Map<Long, IndexOf> indexes = new LinkedHashMap<>();

    /** An index and where it belongs. */
    record IndexOf(TableSchema table, IndexSchema index) {

        String columnNames() {
            return index.algorithm().columns().stream().map(i -> quoted(table.columns().get(i).name()))
                    .collect(Collectors.joining(", "));
        }

        boolean isPrimary() {
            return table.primaryKey().isPresent()
                    && index.unique() && index.algorithm().columns().equals(List.of(table.primaryKey().getAsInt()));
        }

        String method() {
            return index.algorithm() instanceof IndexAlgorithm.Hash ? "hash" : "btree";
        }

        String definition() {
            return "CREATE " + (index.unique() ? "UNIQUE " : "") + "INDEX " + quoted(index.name()) + " ON public."
                    + quoted(table.name()) + " USING " + method() + " (" + columnNames() + ")";
        }
    }

    /**
     * @param owner of the database
     * @param tables that the caller may see
     * @param variables of the session
     */
    public Catalog(
            String database, String owner, String user, List<TableSchema> tables,
            Function<String, Optional<String>> variables) {
        this.database = database;
        this.owner = owner;
        this.user = user;
        this.tables = tables;
        this.variables = variables;
        for (TableSchema table : tables) {
            classes.put(oid(table), table.name());
            for (IndexSchema index : indexes(table)) {
                indexes.put(oid(index), new IndexOf(table, index));
                classes.put(oid(index), index.name());
            }
        }
        relations.put("pg_namespace", this::namespaces);
        relations.put("pg_class", this::classes);
        relations.put("pg_attribute", this::attributes);
        relations.put("pg_type", Catalog::types);
        relations.put("pg_index", this::indexes);
        relations.put("pg_constraint", this::constraints);
        relations.put("pg_am", Catalog::accessMethods);
        relations.put("pg_database", this::databases);
        relations.put("pg_tablespace", Catalog::tablespaces);
        relations.put("pg_roles", this::roles);
        relations.put("pg_user", this::users);
        relations.put("pg_tables", this::tables);
        relations.put("pg_views", this::views);
        relations.put("pg_settings", this::settings);
        relations.put("information_schema.tables", this::informationTables);
        relations.put("information_schema.columns", this::informationColumns);
        relations.put("information_schema.schemata", this::informationSchemata);
    }

    /** Whether an unqualified name is one of the catalogue. */
    public static boolean isCatalogName(String name) {
        return EMPTY.contains(name) || Set.of(
                "pg_namespace", "pg_class", "pg_attribute", "pg_type", "pg_index", "pg_constraint", "pg_am", "pg_database",
                "pg_tablespace", "pg_roles", "pg_user", "pg_tables", "pg_views", "pg_settings").contains(name);
    }

    String database() {
        return database;
    }

    String owner() {
        return owner;
    }

    String user() {
        return user;
    }

    Optional<String> variable(String name) {
        return variables.apply(name);
    }

    /** Name of a table or index. */
    Optional<String> className(long oid) {
        return Optional.ofNullable(classes.get(oid));
    }

    Optional<Long> classOid(String name) {
        return classes.entrySet().stream().filter(e -> e.getValue().equals(name)).map(Map.Entry::getKey).findFirst();
    }

    Optional<IndexOf> index(long oid) {
        return Optional.ofNullable(indexes.get(oid));
    }

    Optional<Relation> relation(String schema, String name) {
        boolean information = schema.equals("information_schema");
        String key = information ? schema + "." + name : name;
        if (!information && !schema.isEmpty() && !schema.equals(PG_CATALOG)) {
            return Optional.empty();
        }
        if (information ? EMPTY_INFORMATION.contains(name) : EMPTY.contains(name)) {
            return Optional.of(Relation.EMPTY);
        }
        return Optional.ofNullable(relations.get(key)).map(supplier -> built.computeIfAbsent(key, k -> supplier.get()));
    }

    // ---- ids ----

    static String quoted(String name) {
        return name.matches("[a-z_][a-z0-9_]*") ? name : '"' + name.replace("\"", "\"\"") + '"';
    }

    private static long oid(TableSchema table) {
        return TABLE_OIDS + table.tableId();
    }

    private static long oid(IndexSchema index) {
        return INDEX_OIDS + index.indexId();
    }

    private static boolean isSystem(TableSchema table) {
        return table.kind() == TableKind.SYSTEM;
    }

    private static String schema(TableSchema table) {
        return isSystem(table) ? PG_CATALOG : PUBLIC;
    }

    private static long schemaOid(TableSchema table) {
        return isSystem(table) ? PG_CATALOG_OID : PUBLIC_OID;
    }

    /** Backing tables of views have indexes on a column that nobody sees. */
    private static List<IndexSchema> indexes(TableSchema table) {
        return table.role().isView() ? List.of() : table.indexes();
    }

    // ---- pg_catalog ----

    private Relation namespaces() {
        return new Relation.Builder("oid oid, nspname name, nspowner oid, nspacl text")
                .row(PG_CATALOG_OID, PG_CATALOG, OWNER_OID, null)
                .row(PUBLIC_OID, PUBLIC, OWNER_OID, null)
                .row(PUBLIC_OID + 1, "information_schema", OWNER_OID, null)
                .build();
    }

    private Relation classes() {
        Relation.Builder rows = new Relation.Builder("""
                oid oid, relname name, relnamespace oid, relkind char, relowner oid, relam oid, reltuples float4, relpages int4, \
                relnatts int2, relhasindex bool, reltype oid, reloftype oid, relfilenode oid, reltablespace oid, \
                relallvisible int4, reltoastrelid oid, relisshared bool, relpersistence char, relchecks int2, \
                relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool, \
                relispopulated bool, relreplident char, relispartition bool, relrewrite oid, relhasoids bool, relacl text, \
                reloptions text, relpartbound text""");
        for (TableSchema table : tables) {
            classRow(rows, oid(table), table.name(), schemaOid(table), table.role().isView() ? "v" : "r", 0L,
                    VisibleColumns.of(table).size(), !indexes(table).isEmpty());
            for (IndexSchema index : indexes(table)) {
                long method = index.algorithm() instanceof IndexAlgorithm.Hash ? HASH_OID : BTREE_OID;
                classRow(rows, oid(index), index.name(), schemaOid(table), "i", method,
                        index.algorithm().columns().size(), false);
            }
        }
        return rows.build();
    }

    private static void classRow(
            Relation.Builder rows, long oid, String name, long schema, String kind, long method, int columns,
            boolean hasIndex) {
        rows.row(oid, name, schema, kind, OWNER_OID, method, -1.0, 0, columns, hasIndex, 0, 0, oid, 0, 0, 0, false, "p", 0,
                false, false, false, false, false, true, "d", false, 0, false, null, null, null);
    }

    private Relation attributes() {
        Relation.Builder rows = new Relation.Builder("""
                attrelid oid, attname name, atttypid oid, attnum int2, attnotnull bool, attlen int2, atttypmod int4, \
                attndims int4, attisdropped bool, atthasdef bool, atthasmissing bool, attidentity char, attgenerated char, \
                attcollation oid, attstorage char, attcompression char, attstattarget int4, attislocal bool, \
                attinhcount int4, attbyval bool, attalign char, attcacheoff int4, attacl text, attoptions text, \
                attfdwoptions text""");
        for (TableSchema table : tables) {
            attributeRows(rows, oid(table), VisibleColumns.of(table));
            for (IndexSchema index : indexes(table)) {
                attributeRows(rows, oid(index), index.algorithm().columns().stream().map(table.columns()::get).toList());
            }
        }
        return rows.build();
    }

    private static void attributeRows(Relation.Builder rows, long relation, List<ColumnSchema> columns) {
        for (int i = 0; i < columns.size(); i++) {
            ColumnType type = ColumnType.of(columns.get(i).type());
            rows.row(relation, columns.get(i).name(), type.oid(), i + 1, true, type.byteSize(), -1, type.isArray() ? 1 : 0,
                    false, false, false, "", "", 0, "p", "", -1, true, 0, false, "i", -1, null, null, null);
        }
    }

    private static Relation types() {
        Relation.Builder rows = new Relation.Builder("""
                oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char, \
                typcategory char, typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typelem oid, \
                typarray oid, typinput text, typoutput text, typnotnull bool, typbasetype oid, typtypmod int4, \
                typndims int4, typcollation oid, typdefault text, typdefaultbin text, typacl text""");
        for (PgType type : PgType.values()) {
            String kind = type.category() == 'P' ? "p" : "b";
            typeRow(rows, type.oid(), type.typeName(), type.byteSize(), kind, String.valueOf(type.category()), 0,
                    type.arrayOid());
            if (type.arrayOid() != 0) {
                typeRow(rows, type.arrayOid(), "_" + type.typeName(), -1, "b", "A", type.oid(), 0);
            }
        }
        return rows.build();
    }

    private static void typeRow(
            Relation.Builder rows, int oid, String name, int size, String kind, String category, int element, int array) {
        rows.row(oid, name, PG_CATALOG_OID, OWNER_OID, size, false, kind, category, false, true, ",", 0, element, array,
                element == 0 ? name + "in" : "array_in", element == 0 ? name + "out" : "array_out", false, 0, -1, 0, 0, null,
                null, null);
    }

    private Relation indexes() {
        Relation.Builder rows = new Relation.Builder("""
                indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indisprimary bool, \
                indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, \
                indisready bool, indislive bool, indisreplident bool, indnullsnotdistinct bool, indkey text, \
                indcollation text, indclass text, indoption text, indexprs text, indpred text""");
        indexes.forEach((oid, of) -> {
            List<Object> keys = new ArrayList<>();
            List<Object> zeros = new ArrayList<>();
            of.index().algorithm().columns().forEach(column -> {
                keys.add(column + 1L);
                zeros.add(0L);
            });
            Values.PgArray options = new Values.PgArray(List.copyOf(zeros), 0);
            rows.row(oid, oid(of.table()), keys.size(), keys.size(), of.index().unique(), of.isPrimary(), false, true, false,
                    true, false, true, true, false, false, new Values.PgArray(List.copyOf(keys), 0), options, options, options,
                    null, null);
        });
        return rows.build();
    }

    private Relation constraints() {
        Relation.Builder rows = new Relation.Builder("""
                oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, \
                convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, \
                confupdtype char, confdeltype char, confmatchtype char, conislocal bool, coninhcount int4, \
                connoinherit bool, conkey text, confkey text, conexclop text, conbin text, consrc text""");
        for (TableSchema table : tables) {
            if (table.role().isView()) {
                continue;
            }
            for (ConstraintSchema constraint : table.constraints()) {
                Optional<IndexSchema> index = index(table, constraint);
                boolean primary = index.isPresent() && new IndexOf(table, index.get()).isPrimary();
                // Tools pair a constraint with its index by name.
                rows.row(CONSTRAINT_OIDS + constraint.constraintId(), index.map(IndexSchema::name).orElse(constraint.name()),
                        schemaOid(table), primary ? "p" : "u", false, false, true, oid(table), 0,
                        index.map(Catalog::oid).orElse(0L), 0, 0, "", "", "", true, 0, true,
                        Values.PgArray.of(constraint.columns().stream().map(c -> c + 1L).toList()), null, null, null, null);
            }
        }
        return rows.build();
    }

    private static Optional<IndexSchema> index(TableSchema table, ConstraintSchema constraint) {
        Set<Integer> columns = new HashSet<>(constraint.columns());
        return table.indexes().stream()
                .filter(i -> i.unique() && columns.equals(new HashSet<>(i.algorithm().columns()))).findFirst();
    }

    /** {@code pg_get_constraintdef}. */
    Optional<String> constraint(long oid) {
        for (TableSchema table : tables) {
            for (ConstraintSchema constraint : table.constraints()) {
                if (CONSTRAINT_OIDS + constraint.constraintId() == oid) {
                    boolean primary = table.primaryKey().isPresent()
                            && constraint.columns().equals(List.of(table.primaryKey().getAsInt()));
                    return Optional.of((primary ? "PRIMARY KEY (" : "UNIQUE (") + constraint.columns().stream()
                            .map(c -> quoted(table.columns().get(c).name())).collect(Collectors.joining(", ")) + ")");
                }
            }
        }
        return Optional.empty();
    }

    private static Relation accessMethods() {
        return new Relation.Builder("oid oid, amname name, amhandler text, amtype char")
                .row(BTREE_OID, "btree", "bthandler", "i")
                .row(HASH_OID, "hash", "hashhandler", "i")
                .build();
    }

    private Relation databases() {
        return new Relation.Builder("""
                oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, datallowconn bool, \
                datconnlimit int4, datcollate text, datctype text, daticulocale text, daticurules text, datlocale text, \
                datcollversion text, dattablespace oid, datacl text""")
                .row(DATABASE_OID, database, OWNER_OID, UTF8, "c", false, true, -1, "C", "C", null,
                        null, null, null, TABLESPACE_OID, null)
                .build();
    }

    private static Relation tablespaces() {
        return new Relation.Builder("oid oid, spcname name, spcowner oid, spcacl text, spcoptions text")
                .row(TABLESPACE_OID, "pg_default", OWNER_OID, null, null)
                .build();
    }

    private Relation roles() {
        return new Relation.Builder("""
                oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool, \
                rolreplication bool, rolbypassrls bool, rolconnlimit int4, rolpassword text, rolvaliduntil text, \
                rolconfig text""")
                .row(OWNER_OID, owner, true, true, false, false, true, false, true, -1, null, null, null)
                .build();
    }

    private Relation users() {
        return new Relation.Builder("usename name, usesysid oid, usecreatedb bool, usesuper bool, passwd text, valuntil text")
                .row(owner, OWNER_OID, false, true, null, null)
                .build();
    }

    private Relation tables() {
        Relation.Builder rows = new Relation.Builder("""
                schemaname name, tablename name, tableowner name, tablespace name, hasindexes bool, hasrules bool, \
                hastriggers bool, rowsecurity bool""");
        tables.stream().filter(t -> !t.role().isView()).forEach(t ->
                rows.row(schema(t), t.name(), owner, null, !t.indexes().isEmpty(), false, false, false));
        return rows.build();
    }

    private Relation views() {
        Relation.Builder rows = new Relation.Builder("schemaname name, viewname name, viewowner name, definition text");
        tables.stream().filter(t -> t.role().isView()).forEach(t -> rows.row(schema(t), t.name(), owner, null));
        return rows.build();
    }

    private Relation settings() {
        Relation.Builder rows = new Relation.Builder("name text, setting text, unit text, category text, short_desc text");
        for (String name : List.of("server_version", "server_version_num", "server_encoding", "client_encoding", "datestyle",
                "timezone", "standard_conforming_strings", "max_identifier_length", "max_index_keys", "search_path")) {
            rows.row(name, variable(name).orElse(""), null, "", "");
        }
        return rows.build();
    }

    // ---- information_schema ----

    private Relation informationTables() {
        Relation.Builder rows = new Relation.Builder("""
                table_catalog name, table_schema name, table_name name, table_type text, is_insertable_into text, \
                is_typed text""");
        tables.forEach(t -> rows.row(database, schema(t), t.name(), t.role().isView() ? "VIEW" : "BASE TABLE",
                t.role().isView() || isSystem(t) ? "NO" : "YES", "NO"));
        return rows.build();
    }

    private Relation informationColumns() {
        Relation.Builder rows = new Relation.Builder("""
                table_catalog name, table_schema name, table_name name, column_name name, ordinal_position int4, \
                column_default text, is_nullable text, data_type text, udt_schema name, udt_name name, is_identity text, \
                is_generated text, is_updatable text, character_maximum_length int4, numeric_precision int4, \
                numeric_scale int4, datetime_precision int4""");
        for (TableSchema table : tables) {
            List<ColumnSchema> columns = VisibleColumns.of(table);
            for (int i = 0; i < columns.size(); i++) {
                ColumnType type = ColumnType.of(columns.get(i).type());
                rows.row(database, schema(table), table.name(), columns.get(i).name(), i + 1, null, "NO",
                        type.isArray() ? "ARRAY" : type.scalar().sqlName(), PG_CATALOG,
                        (type.isArray() ? "_" : "") + type.scalar().typeName(), "NO", "NEVER",
                        table.role().isView() || isSystem(table) ? "NO" : "YES", null, null, null, null);
            }
        }
        return rows.build();
    }

    private Relation informationSchemata() {
        Relation.Builder rows = new Relation.Builder("catalog_name name, schema_name name, schema_owner name");
        for (String schema : List.of(PG_CATALOG, PUBLIC, "information_schema")) {
            rows.row(database, schema, owner);
        }
        return rows.build();
    }
}
