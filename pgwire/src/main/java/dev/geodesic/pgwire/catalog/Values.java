package dev.geodesic.pgwire.catalog;

import dev.geodesic.pgwire.message.PgException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Values of the catalogue: null, Boolean, Long, Double, String, {@link PgArray}, {@link Named} and {@link Composite}.
 */
final class Values {

    private Values() {
    }

    /** @param first number of the first item: 1, or 0 for vectors such as {@code indkey} */
    record PgArray(List<Object> items, int first) {

        static PgArray of(List<?> items) {
            return new PgArray(Collections.unmodifiableList(new ArrayList<>(items)), 1);
        }
    }

    /** An object id that shows as a name: {@code regclass} and its like. */
    record Named(long oid, String name) {
    }

    record Composite(Map<String, Object> fields) {
    }

    static String text(Object value) {
        return switch (value) {
            case null -> null;
            case Boolean b -> b ? "t" : "f";
            case Named named -> named.name();
            case Double d when d == Math.rint(d) && Math.abs(d) < 1e15 -> Long.toString(d.longValue());
            case PgArray array -> array(array);
            case Composite composite -> composite.fields().values().stream().map(Values::text)
                    .collect(Collectors.joining(",", "(", ")"));
            default -> value.toString();
        };
    }

    private static String array(PgArray array) {
        StringBuilder out = new StringBuilder();
        for (Object item : array.items()) {
            String text = text(item);
            out.append(out.isEmpty() ? "" : array.first() == 0 ? " " : ",");
            boolean plain = text != null && text.matches("[^\\s{}\",\\\\]+") && !text.equalsIgnoreCase("null");
            out.append(text == null ? "NULL" : plain ? text
                    : '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"');
        }
        return array.first() == 0 ? out.toString() : "{" + out + "}";
    }

    /** Null is neither. */
    static Boolean bool(Object value) {
        return switch (value) {
            case null -> null;
            case Boolean b -> b;
            case String s when s.equals("t") || s.equalsIgnoreCase("true") || s.equals("on") || s.equals("1") -> true;
            case String s when s.equals("f") || s.equalsIgnoreCase("false") || s.equals("off") || s.equals("0") -> false;
            default -> throw PgException.error("42804", "argument must be type boolean");
        };
    }

    static long number(Object value) {
        return switch (value) {
            case Long l -> l;
            case Double d -> d.longValue();
            case Named named -> named.oid();
            case String s -> parse(s);
            case Boolean b -> b ? 1 : 0;
            case null, default -> throw PgException.error("42804", "argument must be a number");
        };
    }

    private static long parse(String text) {
        try {
            return Long.parseLong(text.strip());
        } catch (NumberFormatException e) {
            throw PgException.error("22P02", "invalid input syntax for type integer: \"" + text + "\"");
        }
    }

    /** Order of two values that are not null; text compares with what it says in the other's type. */
    static int compare(Object a, Object b) {
        if (a instanceof Double || b instanceof Double) {
            return Double.compare(real(a), real(b));
        } else if (a instanceof Named x && b instanceof String s) {
            return x.name().compareTo(s);
        } else if (a instanceof String s && b instanceof Named x) {
            return s.compareTo(x.name());
        } else if (a instanceof Long || b instanceof Long || a instanceof Named || b instanceof Named) {
            return Long.compare(number(a), number(b));
        } else if (a instanceof Boolean || b instanceof Boolean) {
            return Boolean.compare(bool(a), bool(b));
        }
        return text(a).compareTo(text(b));
    }

    private static double real(Object value) {
        return value instanceof Double d ? d : value instanceof String s ? Double.parseDouble(s) : number(value);
    }

    /** Equal for values that {@link #compare} finds equal. */
    static String key(Object value) {
        return value instanceof Named named ? Long.toString(named.oid()) : text(value);
    }
}
