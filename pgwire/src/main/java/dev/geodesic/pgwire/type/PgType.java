package dev.geodesic.pgwire.type;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** PostgreSQL's own types, with the object ids that clients know by heart. */
public enum PgType {
    BOOL(16, 1000, 1, "bool", "boolean", 'B'),
    BYTEA(17, 1001, -1, "bytea", "bytea", 'U'),
    CHAR(18, 1002, 1, "char", "\"char\"", 'Z'),
    NAME(19, 1003, 64, "name", "name", 'S'),
    INT8(20, 1016, 8, "int8", "bigint", 'N'),
    INT2(21, 1005, 2, "int2", "smallint", 'N'),
    INT4(23, 1007, 4, "int4", "integer", 'N'),
    TEXT(25, 1009, -1, "text", "text", 'S'),
    OID(26, 1028, 4, "oid", "oid", 'N'),
    JSON(114, 199, -1, "json", "json", 'U'),
    FLOAT4(700, 1021, 4, "float4", "real", 'N'),
    FLOAT8(701, 1022, 8, "float8", "double precision", 'N'),
    UNKNOWN(705, 0, -2, "unknown", "unknown", 'X'),
    BPCHAR(1042, 1014, -1, "bpchar", "character", 'S'),
    VARCHAR(1043, 1015, -1, "varchar", "character varying", 'S'),
    DATE(1082, 1182, 4, "date", "date", 'D'),
    TIMESTAMP(1114, 1115, 8, "timestamp", "timestamp without time zone", 'D'),
    TIMESTAMPTZ(1184, 1185, 8, "timestamptz", "timestamp with time zone", 'D'),
    INTERVAL(1186, 1187, 16, "interval", "interval", 'T'),
    NUMERIC(1700, 1231, -1, "numeric", "numeric", 'N'),
    ANYARRAY(2277, 0, -1, "anyarray", "anyarray", 'P'),
    UUID(2950, 2951, 16, "uuid", "uuid", 'U'),
    ANYENUM(3500, 0, 4, "anyenum", "anyenum", 'P');

    private static final Map<Integer, PgType> BY_OID =
            Arrays.stream(values()).collect(Collectors.toMap(t -> t.oid, Function.identity()));

    private final int oid;
    private final int arrayOid;
    private final int byteSize;
    private final String typeName;
    private final String sqlName;
    private final char category;

    PgType(int oid, int arrayOid, int byteSize, String typeName, String sqlName, char category) {
        this.oid = oid;
        this.arrayOid = arrayOid;
        this.byteSize = byteSize;
        this.typeName = typeName;
        this.sqlName = sqlName;
        this.category = category;
    }

    public static Optional<PgType> of(int oid) {
        return Optional.ofNullable(BY_OID.get(oid));
    }

    public int oid() {
        return oid;
    }

    /** Id of the array of it, or 0. */
    public int arrayOid() {
        return arrayOid;
    }

    /** {@code typlen}: bytes, or -1 if that depends on the value. */
    public int byteSize() {
        return byteSize;
    }

    /** As in {@code pg_type}. */
    public String typeName() {
        return typeName;
    }

    /** As {@code format_type} writes it. */
    public String sqlName() {
        return sqlName;
    }

    /** {@code typcategory}. */
    public char category() {
        return category;
    }
}
