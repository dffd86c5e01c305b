package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.PrimitiveType;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * What stands for the places {@code $1}, {@code $2}... of one statement: values, or nothing yet, while the statement is
 * described. A value takes the type of the column that it meets, and so does a place in the description, where the first
 * meeting counts.
 */
final class Parameters {

    private final Optional<List<String>> values;
    private final TreeMap<Integer, AlgebraicType> types = new TreeMap<>();

    private Parameters(Optional<List<String>> values) {
        this.values = values;
    }

    /** @param values null is the NULL of SQL */
    static Parameters of(List<String> values) {
        return new Parameters(Optional.of(values));
    }

    static Parameters unknown() {
        return new Parameters(Optional.empty());
    }

    /** BSATN of place {@code number}; some value or other if there are none yet. Errors: SQL. */
    byte[] encode(String number, AlgebraicType type) {
        int place = Integer.parseInt(number);
        types.putIfAbsent(place, type);
        if (values.isEmpty()) {
            return LiteralCodec.any("$" + place, type);
        }
        if (place > values.get().size()) {
            throw SqlError.of("there is no parameter $" + place);
        }
        String value = values.get().get(place - 1);
        if (value == null) {
            throw SqlError.of("Unsupported literal expression: NULL");
        }
        return LiteralCodec.forParameter(value, type);
    }

    /** Types of the places in their order; string for those that are not used. */
    List<AlgebraicType> types() {
        return IntStream.rangeClosed(1, types.isEmpty() ? 0 : types.lastKey())
                .mapToObj(place -> types.getOrDefault(place, PrimitiveType.STRING))
                .toList();
    }
}
