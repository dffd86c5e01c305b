package dev.geodesic.engine.database;

import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Everything that databases hold, as text: equal texts are equal contents. */
final class Contents {

    /** About who is connected; and the module, which is compared by its hash. */
    private static final Set<String> PASSING = Set.of("st_client", "st_connection_credentials", "st_view_sub", "st_module");
    private static final ConnectionId CONNECTION = new ConnectionId(4711, 4711);

    private Contents() {
    }

    /** Rows of all tables, system tables too, by name of the table. */
    static SortedMap<String, SortedSet<String>> of(Database database, Identity owner) {
        SortedMap<String, SortedSet<String>> tables = new TreeMap<>();
        ClientInfo client = new ClientInfo(owner, CONNECTION, "{}");
        for (byte[] row : rows(database, client, "SELECT table_name FROM st_table")) {
            String table = new BsatnReader(row).readString();
            if (!PASSING.contains(table)) {
                SortedSet<String> rows = new TreeSet<>();
                rows(database, client, "SELECT * FROM \"" + table + '"').forEach(r -> rows.add(HexFormat.of().formatHex(r)));
                tables.put(table, rows);
            }
        }
        tables.put("program", new TreeSet<>(Set.of(database.programHash().toHex())));
        return tables;
    }

    private static List<byte[]> rows(Database database, ClientInfo client, String sql) {
        RowBuffer rows = database.sql(client, sql).result().rows();
        List<byte[]> list = new ArrayList<>();
        for (int i = 0; i < rows.count(); i++) {
            list.add(rows.row(i));
        }
        return list;
    }

    /** What one has and the other has not, short. */
    static String difference(SortedMap<String, SortedSet<String>> wanted, SortedMap<String, SortedSet<String>> found) {
        SortedSet<String> tables = new TreeSet<>(wanted.keySet());
        tables.addAll(found.keySet());
        StringBuilder text = new StringBuilder();
        for (String table : tables) {
            SortedSet<String> missing = new TreeSet<>(wanted.getOrDefault(table, new TreeSet<>()));
            missing.removeAll(found.getOrDefault(table, new TreeSet<>()));
            SortedSet<String> more = new TreeSet<>(found.getOrDefault(table, new TreeSet<>()));
            more.removeAll(wanted.getOrDefault(table, new TreeSet<>()));
            if (!missing.isEmpty() || !more.isEmpty()) {
                text.append(table).append(": missing ").append(missing).append(", more ").append(more).append("; ");
            }
        }
        return text.length() > 2000 ? text.substring(0, 2000) + "..." : text.toString();
    }

    /** All databases of an owner, by their names; those without a name by identity. */
    static SortedMap<String, SortedMap<String, SortedSet<String>>> of(Server server, Identity owner) {
        SortedMap<String, SortedMap<String, SortedSet<String>>> all = new TreeMap<>();
        for (Identity identity : server.databasesOf(owner)) {
            SortedMap<String, SortedSet<String>> contents = of(server.database(identity), owner);
            contents.put("environment", new TreeSet<>(Set.of(server.environment(identity, owner).toString())));
            SortedSet<String> names = new TreeSet<>(server.names(identity));
            all.put(names.isEmpty() ? identity.toHex() : names.toString(), contents);
        }
        return all;
    }
}
