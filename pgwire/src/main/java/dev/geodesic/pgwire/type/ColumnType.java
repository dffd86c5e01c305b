package dev.geodesic.pgwire.type;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import java.util.Optional;

/**
 * What a type of ours is to PostgreSQL (spec/sql.md 15).
 *
 * @param scalar the type itself, or of the elements of an array
 * @param isArray whether it is an array of {@code scalar}; such arrays have one level
 */
public record ColumnType(PgType scalar, boolean isArray) {

    public static ColumnType of(AlgebraicType type) {
        if (type instanceof ArrayType(AlgebraicType element) && !SpecialTypes.isBytes(type)) {
            return scalar(element).map(e -> new ColumnType(e, true)).orElse(new ColumnType(PgType.ANYARRAY, false));
        }
        return new ColumnType(scalar(type).orElseGet(() -> isEnum(type) ? PgType.ANYENUM : PgType.JSON), false);
    }

    /** Types with a PostgreSQL array of their own; empty for enums, other sums, products and arrays. */
    private static Optional<PgType> scalar(AlgebraicType type) {
        return switch (type) {
            case PrimitiveType p -> Optional.of(switch (p) {
                case STRING -> PgType.VARCHAR;
                case BOOL -> PgType.BOOL;
                case U8, I8, I16 -> PgType.INT2;
                case U16, I32 -> PgType.INT4;
                case U32, I64 -> PgType.INT8;
                case U64, I128, U128, I256, U256 -> PgType.NUMERIC;
                case F32 -> PgType.FLOAT4;
                case F64 -> PgType.FLOAT8;
            });
            case ArrayType a -> SpecialTypes.isBytes(a) ? Optional.of(PgType.BYTEA) : Optional.empty();
            case ProductType p when p.equals(SpecialTypes.IDENTITY) || p.equals(SpecialTypes.CONNECTION_ID) ->
                    Optional.of(PgType.BYTEA);
            case ProductType p when p.equals(SpecialTypes.TIMESTAMP) -> Optional.of(PgType.TIMESTAMP);
            case ProductType p when p.equals(SpecialTypes.TIME_DURATION) -> Optional.of(PgType.INTERVAL);
            case ProductType p when p.equals(SpecialTypes.UUID) -> Optional.of(PgType.UUID);
            case ProductType p -> Optional.empty();
            case SumType s -> Optional.empty();
            case AlgebraicType.Ref r -> throw new IllegalArgumentException("unresolved reference");
        };
    }

    /** Whether all that a value says is which variant it is. */
    static boolean isEnum(AlgebraicType type) {
        return type instanceof SumType sum && !sum.variants().isEmpty()
                && sum.variants().stream().allMatch(v -> SpecialTypes.isUnit(v.type()));
    }

    public int oid() {
        return isArray ? scalar.arrayOid() : scalar.oid();
    }

    /** {@code typlen}. */
    public int byteSize() {
        return isArray ? -1 : scalar.byteSize();
    }
}
