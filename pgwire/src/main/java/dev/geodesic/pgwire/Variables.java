package dev.geodesic.pgwire;

import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.PgException;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The variables of a session. Every one may be set, because tools set what this server does not know; those that would
 * change what comes out keep their value, and say so.
 */
final class Variables {

    /** Whose protocol and catalogue are spoken; without it the JDBC driver takes the server for an ancient one. */
    private static final String POSTGRES_VERSION_NUMBER = "150000";
    /** Reported to clients at the login (spec/sql.md 15) and when they change. */
    private static final List<String> REPORTED = List.of(
            "server_version", "server_version_num", "server_encoding", "client_encoding", "DateStyle", "IntervalStyle",
            "TimeZone", "integer_datetimes", "standard_conforming_strings", "is_superuser", "in_hot_standby",
            "default_transaction_read_only", "search_path", "session_authorization");
    private static final int COUNT_MAX = 200;
    private static final int CHARS_MAX = 4_096;

    private final Map<String, String> initial = new HashMap<>();
    private final Map<String, String> values = new LinkedHashMap<>();

    Variables(String serverVersion, String user, String applicationName) {
        define("server_version", serverVersion);
        define("server_version_num", POSTGRES_VERSION_NUMBER);
        define("server_encoding", "UTF8");
        define("client_encoding", "UTF8");
        define("datestyle", "ISO, YMD");
        define("intervalstyle", "postgres");
        define("timezone", "Etc/UTC");
        define("integer_datetimes", "on");
        define("standard_conforming_strings", "on");
        define("is_superuser", "on");
        define("in_hot_standby", "off");
        define("default_transaction_read_only", "off");
        define("search_path", "public");
        define("session_authorization", user);
        define("application_name", applicationName);
        define("transaction_isolation", "read committed");
        define("default_transaction_isolation", "read committed");
        define("transaction_read_only", "off");
        define("max_identifier_length", "63");
        define("max_index_keys", "32");
        define("bytea_output", "hex");
        define("extra_float_digits", "1");
        define("statement_timeout", "0");
        define("lock_timeout", "0");
        define("idle_in_transaction_session_timeout", "0");
    }

    private void define(String name, String value) {
        initial.put(name, value);
        values.put(name, value);
    }

    void reportAll(MessageWriter out) throws IOException {
        for (String name : REPORTED) {
            report(name, out);
        }
    }

    private void report(String name, MessageWriter out) throws IOException {
        out.begin('S').text(name).text(values.get(name.toLowerCase(Locale.ROOT))).end();
    }

    Optional<String> get(String name) {
        return Optional.ofNullable(values.get(name));
    }

    /** Errors: 55P02 for a variable that cannot be changed, 22023 for a value that cannot be, 53400 for too many. */
    void set(String name, String value, MessageWriter out) throws IOException {
        switch (name) {
            case "client_encoding" -> {
                String encoding = value.replaceAll("[-_]", "").toUpperCase(Locale.ROOT);
                if (!encoding.equals("UTF8") && !encoding.equals("UNICODE") && !encoding.equals("DEFAULT")) {
                    throw PgException.error("22023", "client_encoding cannot be " + shorten(value) + ": only UTF8");
                }
            }
            case "standard_conforming_strings" -> {
                if (value.equalsIgnoreCase("off")) {
                    throw PgException.error("22023", "standard_conforming_strings is always on");
                }
            }
            case "server_version", "server_version_num", "server_encoding", "integer_datetimes", "is_superuser",
                    "in_hot_standby", "session_authorization" ->
                    throw PgException.error("55P02", "parameter \"" + name + "\" cannot be changed");
            case "datestyle", "intervalstyle", "timezone", "bytea_output" -> {
                // Values have one form only.
            }
            default -> put(name, value, out);
        }
    }

    private void put(String name, String value, MessageWriter out) throws IOException {
        if (value.length() > CHARS_MAX || name.length() > CHARS_MAX) {
            throw PgException.error("53400", "the value of a parameter has more than " + CHARS_MAX + " characters");
        } else if (!values.containsKey(name) && values.size() >= COUNT_MAX) {
            throw PgException.error("53400", "the session has more than " + COUNT_MAX + " parameters");
        }
        String old = values.put(name, value.equalsIgnoreCase("default") ? initial.getOrDefault(name, "") : value);
        if (REPORTED.contains(name) && !value.equals(old)) {
            report(name, out);
        }
    }

    /** {@code all}, or one. */
    void reset(String name, MessageWriter out) throws IOException {
        for (String one : name.equals("all") ? List.copyOf(values.keySet()) : List.of(name)) {
            String value = initial.get(one);
            if (value == null) {
                values.remove(one);
            } else if (!value.equals(values.put(one, value)) && REPORTED.contains(one)) {
                report(one, out);
            }
        }
    }

    private static String shorten(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "...";
    }
}
