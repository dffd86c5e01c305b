package dev.geodesic.pgwire.catalog;

import dev.geodesic.pgwire.catalog.Values.Composite;
import dev.geodesic.pgwire.catalog.Values.Named;
import dev.geodesic.pgwire.catalog.Values.PgArray;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.type.PgType;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongBinaryOperator;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/** The functions and operators that tools use on the catalogue. */
final class Functions {

    /** They give rows, not values. */
    private static final Set<String> ROWS = Set.of(
            "_pg_expandarray", "unnest", "generate_series", "generate_subscripts", "pg_options_to_table", "aclexplode");
    private static final int TEXT_CHARS_MAX = 1 << 20;
    private static final int SERIES_MAX = 10_000;

    private final Catalog catalog;
    private final Budget budget;

    Functions(Catalog catalog, Budget budget) {
        this.catalog = catalog;
        this.budget = budget;
    }

    static boolean givesRows(String name) {
        return ROWS.contains(name);
    }

    /** What a function returns, as far as it is no text. */
    static PgType type(String name) {
        return switch (name) {
            case "pg_table_is_visible", "pg_type_is_visible", "pg_function_is_visible", "pg_is_in_recovery",
                    "has_table_privilege", "has_schema_privilege", "has_database_privilege", "has_column_privilege",
                    "pg_relation_is_publishable", "pg_is_other_temp_schema", "pg_has_role" -> PgType.BOOL;
            case "pg_backend_pid", "length", "char_length", "array_length", "array_upper", "array_lower", "strpos",
                    "position" -> PgType.INT4;
            case "row_number", "count" -> PgType.INT8;
            default -> PgType.TEXT;
        };
    }

    private static PgException unknown(String name) {
        return PgException.error("42883", "function " + name + " is not supported in a query on the catalogue");
    }

    private static Object argument(List<Object> arguments, int index) {
        return index < arguments.size() ? arguments.get(index) : null;
    }

    private static String text(List<Object> arguments, int index) {
        return Values.text(argument(arguments, index));
    }

    /** Errors: 42883 for functions that are not known. */
    Object call(String name, List<Object> arguments) {
        Object first = argument(arguments, 0);
        return switch (name) {
            case "pg_table_is_visible", "pg_type_is_visible", "pg_function_is_visible", "pg_opclass_is_visible",
                    "pg_operator_is_visible", "pg_collation_is_visible", "has_table_privilege", "has_schema_privilege",
                    "has_database_privilege", "has_column_privilege", "has_any_column_privilege", "pg_has_role" -> true;
            case "pg_is_in_recovery", "pg_relation_is_publishable", "pg_is_other_temp_schema" -> false;
            case "pg_get_userbyid" -> catalog.owner();
            case "pg_encoding_to_char" -> "UTF8";
            case "format_type" -> first == null ? null : PgTypes.format(Values.number(first));
            case "pg_get_indexdef" -> first == null ? null : indexDefinition(arguments);
            case "pg_get_constraintdef" -> first == null ? null : catalog.constraint(Values.number(first)).orElse(null);
            case "pg_get_expr", "pg_get_viewdef", "obj_description", "col_description", "shobj_description",
                    "pg_get_serial_sequence", "pg_table_size", "pg_relation_size", "pg_total_relation_size", "pg_indexes_size",
                    "pg_database_size", "pg_size_pretty", "pg_tablespace_location", "pg_get_partkeydef", "pg_get_ruledef",
                    "pg_get_triggerdef", "pg_get_functiondef", "pg_get_function_result", "pg_get_function_arguments",
                    "pg_get_function_identity_arguments", "pg_get_statisticsobjdef_columns", "pg_my_temp_schema",
                    "inet_server_addr", "inet_client_addr", "pg_char_to_encoding" -> null;
            case "version" -> "PostgreSQL 15.0 (" + catalog.variable("server_version").orElse("") + ")";
            case "current_database", "current_catalog" -> catalog.database();
            case "current_user", "session_user", "user", "current_role" -> catalog.user();
            case "current_schema" -> Catalog.PUBLIC;
            case "current_schemas" -> Boolean.TRUE.equals(Values.bool(first))
                    ? PgArray.of(List.of(Catalog.PG_CATALOG, Catalog.PUBLIC)) : PgArray.of(List.of(Catalog.PUBLIC));
            case "pg_backend_pid" -> 0L;
            case "pg_postmaster_start_time", "now", "current_timestamp", "current_date", "statement_timestamp",
                    "transaction_timestamp", "clock_timestamp" -> now(name);
            case "current_setting" -> setting(arguments);
            case "to_regclass" -> first == null ? null : cast(text(arguments, 0), "regclass");
            case "coalesce" -> arguments.stream().filter(Objects::nonNull).findFirst().orElse(null);
            case "greatest" -> arguments.stream().filter(Objects::nonNull).max(Values::compare).orElse(null);
            case "least" -> arguments.stream().filter(Objects::nonNull).min(Values::compare).orElse(null);
            case "nullif" -> first == null || argument(arguments, 1) != null && Values.compare(first, argument(arguments, 1)) == 0
                    ? null : first;
            case "lower" -> first == null ? null : text(arguments, 0).toLowerCase(Locale.ROOT);
            case "upper" -> first == null ? null : text(arguments, 0).toUpperCase(Locale.ROOT);
            case "length", "char_length" -> first == null ? null : (Long) (long) text(arguments, 0).length();
            case "btrim", "ltrim", "rtrim" -> first == null ? null : trim(name, arguments);
            case "quote_ident" -> first == null ? null : Catalog.quoted(text(arguments, 0));
            case "quote_literal" -> first == null ? null : "'" + text(arguments, 0).replace("'", "''") + "'";
            case "concat" -> limited(arguments.stream().map(Values::text).filter(Objects::nonNull).collect(Collectors.joining()));
            case "replace" -> arguments.contains(null) || text(arguments, 1).isEmpty() ? first
                    : limited(text(arguments, 0).replace(text(arguments, 1), text(arguments, 2)));
            case "substring", "substr" -> arguments.contains(null) ? null : substring(arguments);
            case "strpos" -> arguments.contains(null) ? null : (Long) (long) (text(arguments, 0).indexOf(text(arguments, 1)) + 1);
            case "array_to_string" -> first instanceof PgArray array
                    ? limited(array.items().stream().map(Values::text).filter(Objects::nonNull)
                            .collect(Collectors.joining(Optional.ofNullable(text(arguments, 1)).orElse("")))) : null;
            case "array_length", "array_upper" -> first instanceof PgArray array && !array.items().isEmpty()
                    ? (Long) (long) (array.items().size() + (name.equals("array_upper") ? array.first() - 1 : 0)) : null;
            case "array_lower" -> first instanceof PgArray array && !array.items().isEmpty() ? (Long) (long) array.first() : null;
            case "abs" -> first == null ? null : (Long) Math.abs(Values.number(first));
            default -> throw unknown(name);
        };
    }

    /** With a column number, the name of that column. */
    private Object indexDefinition(List<Object> arguments) {
        Optional<Catalog.IndexOf> index = catalog.index(Values.number(arguments.getFirst()));
        long column = arguments.size() > 1 && arguments.get(1) != null ? Values.number(arguments.get(1)) : 0;
        if (index.isEmpty()) {
            return null;
        } else if (column == 0) {
            return index.get().definition();
        }
        List<Integer> columns = index.get().index().algorithm().columns();
        return column < 0 || column > columns.size() ? ""
                : Catalog.quoted(index.get().table().columns().get(columns.get((int) column - 1)).name());
    }

    private static String now(String name) {
        LocalDateTime now = LocalDateTime.now(ZoneOffset.UTC);
        return name.equals("current_date") ? now.toLocalDate().toString()
                : now.truncatedTo(ChronoUnit.MICROS).toString().replace('T', ' ') + "+00";
    }

    private Object setting(List<Object> arguments) {
        String name = String.valueOf(text(arguments, 0)).toLowerCase(Locale.ROOT);
        Optional<String> value = catalog.variable(name);
        if (value.isEmpty() && !Boolean.TRUE.equals(argument(arguments, 1))) {
            throw PgException.error("42704", "unrecognized configuration parameter \"" + name + "\"");
        }
        return value.orElse(null);
    }

    private static Object trim(String name, List<Object> arguments) {
        String text = text(arguments, 0);
        String characters = arguments.size() > 1 ? String.valueOf(text(arguments, 1)) : " ";
        int start = 0;
        int end = text.length();
        while (!name.equals("rtrim") && start < end && characters.indexOf(text.charAt(start)) >= 0) {
            start++;
        }
        while (!name.equals("ltrim") && end > start && characters.indexOf(text.charAt(end - 1)) >= 0) {
            end--;
        }
        return text.substring(start, end);
    }

    private static Object substring(List<Object> arguments) {
        String text = text(arguments, 0);
        long start = Values.number(argument(arguments, 1)) - 1;
        long end = arguments.size() > 2 ? start + Values.number(arguments.get(2)) : text.length();
        int from = Math.clamp(start, 0, text.length());
        return text.substring(from, Math.clamp(end, from, text.length()));
    }

    private static String limited(String text) {
        if (text.length() > TEXT_CHARS_MAX) {
            throw PgException.error("54000", "a text has more than " + TEXT_CHARS_MAX + " characters");
        }
        return text;
    }

    /** What a function that gives rows gives, one value each; the call's own name names a single column. */
    List<Object> rows(String name, List<Object> arguments) {
        Object first = argument(arguments, 0);
        return switch (name) {
            case "_pg_expandarray" -> {
                List<Object> rows = new ArrayList<>();
                if (first instanceof PgArray array) {
                    for (int i = 0; i < array.items().size(); i++) {
                        Map<String, Object> fields = new LinkedHashMap<>();
                        fields.put("x", array.items().get(i));
                        fields.put("n", i + 1L);
                        rows.add(new Composite(fields));
                    }
                }
                yield rows;
            }
            case "unnest" -> first instanceof PgArray array ? array.items() : List.of();
            case "generate_subscripts" -> first instanceof PgArray array
                    ? series(array.first(), array.first() + array.items().size() - 1L) : List.of();
            case "generate_series" -> arguments.contains(null) || arguments.size() < 2 ? List.of()
                    : series(Values.number(first), Values.number(arguments.get(1)));
            default -> List.of();
        };
    }

    private static List<Object> series(long from, long to) {
        if (to - from > SERIES_MAX) {
            throw PgException.error("54000", "a series has more than " + SERIES_MAX + " values");
        }
        List<Object> values = new ArrayList<>();
        for (long i = from; i <= to; i++) {
            values.add(i);
        }
        return values;
    }

    // ---- casts ----

    Object cast(Object value, String type) {
        if (value == null) {
            return null;
        }
        return switch (type) {
            case "regclass" -> value instanceof String s && !s.matches("\\d+") ? classNamed(s)
                    : named(value, catalog.className(Values.number(value)));
            case "regtype" -> value instanceof String s && !s.matches("\\d+")
                    ? new Named(PgTypes.named(unqualified(s)).oid(), s)
                    : named(value, Optional.of(PgTypes.format(Values.number(value))));
            case "regproc" -> unqualified(Values.text(value));
            case "regnamespace" -> named(value, Optional.empty());
            case "oid", "int4", "int8", "int2", "int", "integer", "bigint", "smallint" -> (Long) Values.number(value);
            case "bool", "boolean" -> Values.bool(value);
            case "float8", "float4", "numeric", "real" -> value instanceof Long l ? (Double) (double) l : value;
            case "text[]", "name[]", "varchar[]", "int2[]", "int4[]", "int8[]", "oid[]", "int2vector", "oidvector" -> value;
            default -> value instanceof PgArray || value instanceof Composite ? value : Values.text(value);
        };
    }

    private static Named named(Object value, Optional<String> name) {
        long oid = Values.number(value);
        return new Named(oid, name.orElse(Long.toString(oid)));
    }

    private static String unqualified(String name) {
        return name.substring(name.lastIndexOf('.') + 1).replace("\"", "");
    }

    /** Tables of PostgreSQL itself have ids, too, but nothing here refers to them. */
    private Named classNamed(String text) {
        String name = unqualified(text);
        Optional<Long> oid = catalog.classOid(name);
        if (oid.isEmpty() && !Catalog.isCatalogName(name)) {
            throw PgException.error("42P01", "relation \"" + text + "\" does not exist");
        }
        return new Named(oid.orElse(0L), name);
    }

    // ---- operators ----

    /** Null if an operand is. */
    Object operate(String operator, Object left, Object right) {
        if (left == null || right == null) {
            return operator.equals("isnotdistinct") ? (Boolean) (left == right) : null;
        }
        return switch (operator) {
            case "=", "isnotdistinct" -> compare(left, right) == 0;
            case "<>", "!=" -> compare(left, right) != 0;
            case "<" -> compare(left, right) < 0;
            case "<=" -> compare(left, right) <= 0;
            case ">" -> compare(left, right) > 0;
            case ">=" -> compare(left, right) >= 0;
            case "~" -> matches(left, right, 0);
            case "!~" -> !matches(left, right, 0);
            case "~*" -> matches(left, right, Pattern.CASE_INSENSITIVE);
            case "!~*" -> !matches(left, right, Pattern.CASE_INSENSITIVE);
            case "like", "~~" -> like(left, right, 0);
            case "!~~" -> !like(left, right, 0);
            case "ilike" -> like(left, right, Pattern.CASE_INSENSITIVE);
            case "||" -> left instanceof PgArray a && right instanceof PgArray b ? joined(a, b)
                    : limited(Values.text(left) + Values.text(right));
            case "+" -> arithmetic(left, right, Long::sum);
            case "-" -> arithmetic(left, right, (a, b) -> a - b);
            case "*" -> arithmetic(left, right, (a, b) -> a * b);
            case "/", "%" -> {
                if (Values.number(right) == 0) {
                    throw PgException.error("22012", "division by zero");
                }
                yield arithmetic(left, right, operator.equals("/") ? (a, b) -> a / b : (a, b) -> a % b);
            }
            case "&" -> arithmetic(left, right, (a, b) -> a & b);
            case "|" -> arithmetic(left, right, (a, b) -> a | b);
            case "@>" -> contains(left, right);
            case "<@" -> contains(right, left);
            default -> throw PgException.error("42883", "operator " + operator + " is not supported in a query on the catalogue");
        };
    }

    private int compare(Object left, Object right) {
        budget.step();
        return Values.compare(left, right);
    }

    private PgArray joined(PgArray a, PgArray b) {
        budget.keep(a.items().size() + b.items().size());
        List<Object> all = new ArrayList<>(a.items());
        all.addAll(b.items());
        return PgArray.of(all);
    }

    private static Long arithmetic(Object left, Object right, LongBinaryOperator operator) {
        return operator.applyAsLong(Values.number(left), Values.number(right));
    }

    private static Boolean contains(Object whole, Object part) {
        return whole instanceof PgArray w && part instanceof PgArray p
                && p.items().stream().allMatch(one -> w.items().stream()
                        .anyMatch(other -> one != null && other != null && Values.compare(one, other) == 0));
    }

    private boolean matches(Object text, Object pattern, int flags) {
        return find(Values.text(text), Values.text(pattern), flags);
    }

    private boolean find(String text, String pattern, int flags) {
        try {
            return Pattern.compile(pattern, flags).matcher(budget.counted(text)).find();
        } catch (PatternSyntaxException | StackOverflowError e) {
            throw PgException.error("2201B", "invalid regular expression");
        }
    }

    private boolean like(Object text, Object pattern, int flags) {
        StringBuilder regex = new StringBuilder("(?s)^");
        String like = Values.text(pattern);
        for (int i = 0; i < like.length(); i++) {
            char c = like.charAt(i);
            if (c == '\\' && i + 1 < like.length()) {
                regex.append(Pattern.quote(String.valueOf(like.charAt(++i))));
            } else if (c == '%' || c == '_') {
                regex.append(c == '%' ? ".*" : ".");
            } else {
                regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        return find(Values.text(text), regex.append('$').toString(), flags);
    }
}
