package dev.geodesic.pgwire.catalog;

import dev.geodesic.pgwire.type.PgType;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Types by the names that queries use for them. */
final class PgTypes {

    private static final Map<String, PgType> BY_NAME =
            Arrays.stream(PgType.values()).collect(Collectors.toMap(PgType::typeName, Function.identity()));
    private static final Map<String, PgType> OTHER_NAMES = Map.of(
            "int", PgType.INT4, "integer", PgType.INT4, "smallint", PgType.INT2, "bigint", PgType.INT8, "boolean", PgType.BOOL,
            "real", PgType.FLOAT4, "decimal", PgType.NUMERIC, "character", PgType.BPCHAR);

    private PgTypes() {
    }

    /** Text for types that are not known. */
    static PgType named(String name) {
        return BY_NAME.getOrDefault(name, OTHER_NAMES.getOrDefault(name, PgType.TEXT));
    }

    /** {@code format_type}; arrays by the ids of their own. */
    static String format(long oid) {
        for (PgType type : PgType.values()) {
            if (type.oid() == oid) {
                return type.sqlName();
            } else if (type.arrayOid() == oid && oid != 0) {
                return type.sqlName() + "[]";
            }
        }
        return "???";
    }
}
