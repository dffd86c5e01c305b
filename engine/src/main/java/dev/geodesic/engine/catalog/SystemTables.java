package dev.geodesic.engine.catalog;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Shapes of the system tables (spec/sql.md section 14); ids of indexes and constraints count up in this order. */
public final class SystemTables {

    public static final int TABLE = 1;
    public static final int COLUMN = 2;
    public static final int SEQUENCE = 3;
    public static final int INDEX = 4;
    public static final int CONSTRAINT = 5;
    public static final int MODULE = 6;
    public static final int CLIENT = 7;
    public static final int VAR = 8;
    public static final int SCHEDULED = 9;
    public static final int ROW_LEVEL_SECURITY = 10;
    public static final int CONNECTION_CREDENTIALS = 11;
    public static final int VIEW = 12;
    public static final int VIEW_PARAM = 13;
    public static final int VIEW_COLUMN = 14;
    public static final int EVENT_TABLE = 17;
    public static final int TABLE_ACCESSOR = 18;
    public static final int INDEX_ACCESSOR = 19;
    public static final int COLUMN_ACCESSOR = 20;

    /** Ids of user tables, indexes, constraints and sequences start here. */
    public static final int FIRST_USER_ID = TableSchema.FIRST_USER_ID;

    private static final ValueLayout.OfInt ID = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Sequence of {@code st_view_arg}, which nobody uses any more. */
    private static final int VIEW_ARG_SEQUENCE = 7;

    /** Largest value of i128. */
    static final BigInteger I128_MAX = BigInteger.ONE.shiftLeft(127).subtract(BigInteger.ONE);

    private static final AlgebraicType STRING = PrimitiveType.STRING;
    private static final AlgebraicType BOOL = PrimitiveType.BOOL;
    private static final AlgebraicType U8 = PrimitiveType.U8;
    private static final AlgebraicType U16 = PrimitiveType.U16;
    private static final AlgebraicType U32 = PrimitiveType.U32;
    private static final AlgebraicType I64 = PrimitiveType.I64;
    private static final AlgebraicType U64 = PrimitiveType.U64;
    private static final AlgebraicType I128 = PrimitiveType.I128;
    private static final AlgebraicType U128 = PrimitiveType.U128;
    private static final AlgebraicType U256 = PrimitiveType.U256;
    private static final AlgebraicType BYTES = ArrayType.BYTES;
    private static final AlgebraicType COLUMNS = new ArrayType(U16);
    private static final AlgebraicType ALGORITHM = SumType.of(
            SumVariant.of("Unused", U128),
            SumVariant.of("BTree", COLUMNS),
            SumVariant.of("Direct", U16),
            SumVariant.of("Hash", COLUMNS));
    private static final AlgebraicType CONSTRAINT_DATA =
            SumType.of(SumVariant.of("Unused", U128), SumVariant.of("Unique", COLUMNS));
    private static final AlgebraicType VAR_VALUE = new SumType(List.of(
            SumVariant.of("Bool", BOOL),
            SumVariant.of("I8", PrimitiveType.I8),
            SumVariant.of("U8", U8),
            SumVariant.of("I16", PrimitiveType.I16),
            SumVariant.of("U16", U16),
            SumVariant.of("I32", PrimitiveType.I32),
            SumVariant.of("U32", U32),
            SumVariant.of("I64", I64),
            SumVariant.of("U64", U64),
            SumVariant.of("I128", I128),
            SumVariant.of("U128", U128),
            SumVariant.of("F32", PrimitiveType.F32),
            SumVariant.of("F64", PrimitiveType.F64),
            SumVariant.of("String", STRING)));

    /** All of them, by id. */
    public static final List<TableSchema> ALL = new Builder()
            .table(1, "st_table", OptionalInt.of(0))
            .column("table_id", U32).column("table_name", STRING).column("table_type", STRING)
            .column("table_access", STRING).column("table_primary_key", option(COLUMNS))
            .unique(0).unique(1).sequence(1, 0)
            .table(2, "st_column", OptionalInt.empty())
            .column("table_id", U32).column("col_pos", U16).column("col_name", STRING).column("col_type", BYTES)
            .unique(0, 1)
            .table(3, "st_sequence", OptionalInt.of(0))
            .column("sequence_id", U32).column("sequence_name", STRING).column("table_id", U32).column("col_pos", U16)
            .column("increment", I128).column("start", I128).column("min_value", I128).column("max_value", I128)
            .column("allocated", I128)
            .unique(0).sequence(5, 0)
            .table(4, "st_index", OptionalInt.of(0))
            .column("index_id", U32).column("table_id", U32).column("index_name", STRING)
            .column("index_algorithm", ALGORITHM)
            .unique(0).sequence(2, 0)
            .table(5, "st_constraint", OptionalInt.of(0))
            .column("constraint_id", U32).column("constraint_name", STRING).column("table_id", U32)
            .column("constraint_data", CONSTRAINT_DATA)
            .unique(0).sequence(3, 0)
            .table(6, "st_module", OptionalInt.empty())
            .column("database_identity", U256).column("owner_identity", U256).column("program_kind", U8)
            .column("program_hash", U256).column("program_bytes", BYTES).column("module_version", STRING)
            .table(7, "st_client", OptionalInt.empty())
            .column("identity", U256).column("connection_id", U128)
            .unique(0, 1)
            .table(8, "st_var", OptionalInt.of(0))
            .column("name", STRING).column("value", VAR_VALUE)
            .unique(0)
            .table(9, "st_scheduled", OptionalInt.of(0))
            .column("schedule_id", U32).column("table_id", U32).column("reducer_name", STRING)
            .column("schedule_name", STRING).column("at_column", U16)
            .unique(0).unique(1).sequence(4, 0)
            .table(10, "st_row_level_security", OptionalInt.of(1))
            .column("table_id", U32).column("sql", STRING)
            .index(0).unique(1)
            .table(11, "st_connection_credentials", OptionalInt.of(0)).hidden()
            .column("connection_id", U128).column("jwt_payload", STRING)
            .unique(0)
            .table(12, "st_view", OptionalInt.of(0))
            .column("view_id", U32).column("view_name", STRING).column("table_id", option(U32))
            .column("is_public", BOOL).column("is_anonymous", BOOL)
            .unique(0).unique(1).sequence(6, 0)
            .table(13, "st_view_param", OptionalInt.empty())
            .column("view_id", U32).column("param_pos", U16).column("param_name", STRING).column("param_type", BYTES)
            .unique(0, 1)
            .table(14, "st_view_column", OptionalInt.empty())
            .column("view_id", U32).column("col_pos", U16).column("col_name", STRING).column("col_type", BYTES)
            .unique(0, 1)
            .table(15, "st_view_sub", OptionalInt.empty())
            .column("view_id", U32).column("arg_id", U64).column("identity", U256).column("num_subscribers", U64)
            .column("has_subscribers", BOOL).column("last_called", I64)
            .index(2).index(4).index(0, 1, 2)
            .table(16, "st_view_arg", OptionalInt.of(0))
            .column("id", U64).column("bytes", BYTES)
            .unique(0).unique(1).sequence(VIEW_ARG_SEQUENCE, 0)
            .table(17, "st_event_table", OptionalInt.of(0))
            .column("table_id", U32)
            .unique(0)
            .table(18, "st_table_accessor", OptionalInt.empty())
            .column("table_name", STRING).column("accessor_name", STRING)
            .unique(0).unique(1)
            .table(19, "st_index_accessor", OptionalInt.empty())
            .column("index_name", STRING).column("accessor_name", STRING)
            .unique(0).unique(1)
            .table(20, "st_column_accessor", OptionalInt.empty())
            .column("table_name", STRING).column("col_name", STRING).column("accessor_name", STRING)
            .unique(0, 1).unique(0, 2)
            .build();

    private SystemTables() {
    }

    /**
     * Whether a change of this table's rows may mean that user tables exist, are gone or look different. Rows of sequences
     * change too often for that; sequences themselves come and go with a program only.
     */
    public static boolean describesTables(int tableId) {
        return switch (tableId) {
            case TABLE, COLUMN, INDEX, CONSTRAINT, MODULE, SCHEDULED, VIEW, EVENT_TABLE, TABLE_ACCESSOR, INDEX_ACCESSOR,
                COLUMN_ACCESSOR -> true;
            default -> false;
        };
    }

    /** Whether a row of a system table is one of those that {@link Catalog#bootstrap} makes: no file has them. */
    public static boolean isBuiltIn(int tableId, MemorySegment row, long offset) {
        return switch (tableId) {
            // They begin with the id of what they describe.
            case TABLE, COLUMN, SEQUENCE, INDEX, CONSTRAINT -> Integer.compareUnsigned(row.get(ID, offset), FIRST_USER_ID) < 0;
            default -> false;
        };
    }

    /** Ids of the tables that say who is connected. */
    public static IntStream connectionTables() {
        return IntStream.of(CLIENT, CONNECTION_CREDENTIALS);
    }

    /** Whether rows of this table say who is connected: they are true while the server runs, and nobody's data. */
    public static boolean describesConnections(int tableId) {
        return tableId == CLIENT || tableId == CONNECTION_CREDENTIALS;
    }

    /** Ids below this are promised by the first row of a system sequence. */
    static BigInteger firstAllocated(SequenceSchema sequence) {
        return BigInteger.valueOf(sequence.sequenceId() == VIEW_ARG_SEQUENCE ? FIRST_USER_ID : 2 * FIRST_USER_ID);
    }

    private static SumType option(AlgebraicType type) {
        return SumType.of(SumVariant.of("some", type), SumVariant.of("none", ProductType.UNIT));
    }

    /** Collects the parts of one table after the other. */
    private static final class Builder {

        private final List<TableSchema> tables = new ArrayList<>();
        private int id;
        private String name;
        private OptionalInt primaryKey;
        private TableAccess access;
        private List<ColumnSchema> columns;
        private List<IndexSchema> indexes;
        private List<ConstraintSchema> constraints;
        private List<SequenceSchema> sequences;
        private int indexId;
        private int constraintId;

        Builder table(int tableId, String tableName, OptionalInt key) {
            finish();
            id = tableId;
            name = tableName;
            primaryKey = key;
            access = TableAccess.PUBLIC;
            columns = new ArrayList<>();
            indexes = new ArrayList<>();
            constraints = new ArrayList<>();
            sequences = new ArrayList<>();
            return this;
        }

        Builder hidden() {
            access = TableAccess.PRIVATE;
            return this;
        }

        Builder column(String columnName, AlgebraicType type) {
            columns.add(new ColumnSchema(columns.size(), columnName, type, Optional.empty()));
            return this;
        }

        Builder index(Integer... of) {
            return index(false, of);
        }

        private Builder index(boolean unique, Integer... of) {
            String indexName = name + '_' + names(of) + "_idx_btree";
            indexes.add(new IndexSchema(
                    ++indexId, indexName, Optional.empty(), new IndexAlgorithm.BTree(List.of(of)), unique));
            return this;
        }

        Builder unique(Integer... of) {
            constraints.add(new ConstraintSchema(++constraintId, name + '_' + names(of) + "_key", List.of(of)));
            return index(true, of);
        }

        Builder sequence(int sequenceId, int column) {
            sequences.add(new SequenceSchema(
                    sequenceId,
                    name + '_' + columns.get(column).name() + "_seq",
                    column,
                    BigInteger.ONE,
                    BigInteger.valueOf(FIRST_USER_ID + 1),
                    BigInteger.ONE,
                    I128_MAX));
            return this;
        }

        private String names(Integer... of) {
            return Arrays.stream(of).map(c -> columns.get(c).name()).collect(Collectors.joining("_"));
        }

        private void finish() {
            if (name != null) {
                tables.add(new TableSchema(
                        id, name, Optional.empty(), columns, primaryKey, indexes, constraints, sequences, access,
                        TableKind.SYSTEM, TableRole.STORED));
            }
        }

        List<TableSchema> build() {
            finish();
            return List.copyOf(tables);
        }
    }
}
