package dev.geodesic.engine.query;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.parse.Dialect;
import dev.geodesic.engine.query.parse.Parser;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.query.parse.Statement;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Identity;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Row-level security (spec/sql.md 9): rules are queries in {@code st_row_level_security} (table_id u32, sql string), and a
 * caller sees of a protected table what its rules return, once for each rule. For one statement.
 */
public final class RowLevelSecurity {

    private static final int ST_ROW_LEVEL_SECURITY = 10;
    private static final int TABLE_ID = 0;
    private static final int SQL = 1;

    private final ReadView view;
    private final Binder binder;
    private final Limits limits;
    private final List<BoundQuery> expanded = new ArrayList<>();

    /**
     * Why a table is in a query: the tables whose rules led to it, the last of them its rule's own.
     *
     * @param self id of the table whose rule names this one and protects it no further, or -1
     */
    private record Origin(Set<Integer> tables, int self) {

        private static final Origin QUERY = new Origin(Set.of(), -1);

        private Origin ruleOf(int tableId) {
            Set<Integer> all = new HashSet<>(tables);
            all.add(tableId);
            return new Origin(all, tableId);
        }
    }

    private RowLevelSecurity(ReadView view, Binder binder, Limits limits) {
        this.view = view;
        this.binder = binder;
        this.limits = limits;
    }

    /**
     * The queries whose results together are what the binder's caller may see of a query's: one for every combination of
     * rules. Table numbers stay; the tables that rules add come behind them.
     */
    static List<BoundQuery> expand(BoundQuery query, ReadView view, Binder binder, Limits limits) {
        if (binder.caller().isOwner()) {
            return List.of(query);
        }
        RowLevelSecurity security = new RowLevelSecurity(view, binder, limits);
        List<Origin> origins = query.tables().stream().map(t -> Origin.QUERY).toList();
        security.expand(query, origins, 0);
        return List.copyOf(security.expanded);
    }

    private void expand(BoundQuery query, List<Origin> origins, int from) {
        for (int i = from; i < query.tables().size(); i++) {
            TableSchema table = query.tables().get(i);
            Origin origin = origins.get(i);
            List<String> rules = table.kind() == TableKind.SYSTEM || table.tableId() == origin.self()
                    ? List.of()
                    : rules(table, view);
            if (!rules.isEmpty()) {
                if (origin.tables().contains(table.tableId())) {
                    throw SqlError.of("Discovered cyclic dependency when resolving RLS rules for table id "
                            + Integer.toUnsignedString(table.tableId()));
                }
                for (String rule : rules) {
                    apply(rule, query, origins, i);
                }
                return;
            }
        }
        if (expanded.size() >= limits.queryNodesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the combinations of row-level-security rules exceed the limit query-nodes-max of " + limits.queryNodesMax());
        }
        expanded.add(query);
    }

    private void apply(String sql, BoundQuery query, List<Origin> origins, int number) {
        TableSchema table = query.tables().get(number);
        Rule rule = bind(sql, binder, limits);
        List<TableSchema> tables = new ArrayList<>(query.tables());
        List<Origin> all = new ArrayList<>(origins);
        int[] numbers = new int[rule.tables().size()];
        for (int i = 0; i < numbers.length; i++) {
            if (i == rule.returned()) {
                numbers[i] = number;
            } else {
                numbers[i] = tables.size();
                tables.add(rule.tables().get(i));
                all.add(origins.get(number).ruleOf(table.tableId()));
            }
        }
        if (rule.tables().get(rule.returned()).tableId() != table.tableId()) {
            throw SqlError.of("the row-level-security rule `" + SqlError.shorten(sql) + "` is not about `" + table.name() + "`");
        }
        binder.checkTables(tables.size());
        BoundExpr condition = BoundExpr.and(List.of(query.condition(), rule.condition().renumbered(numbers)));
        expand(new BoundQuery(tables, condition), all, number + 1);
    }

    private record Rule(List<TableSchema> tables, int returned, BoundExpr condition) {
    }

    private static Rule bind(String sql, Binder binder, Limits limits) {
        Statement.Select select = SqlEngine.subscriptionDialect(Parser.parse(sql, Dialect.SUBSCRIPTION, limits));
        Binder.From from = binder.relation(select.from());
        int returned = SqlEngine.returnedTable(select.projection(), from.scope());
        BoundExpr where = select.where().map(w -> binder.condition(w, from.scope())).orElse(BoundExpr.TRUE);
        return new Rule(from.scope().tables(), returned, BoundExpr.and(List.of(from.on(), where)));
    }

    /**
     * Checks a rule that a module brings, with the rights of the owner (spec/module-def.md 6.5).
     *
     * @param view the tables that the rule will find, which may be a transaction that makes them
     * @return id of the table that the rule protects
     * @throws EngineException SQL if the rule does not bind or may not be
     */
    public static int check(String sql, ReadView view, Limits limits) {
        Rule rule = bind(sql, new Binder(view, new Caller(new Identity(0, 0, 0, 0), true), limits), limits);
        TableSchema table = rule.tables().get(rule.returned());
        if (table.access() != TableAccess.PUBLIC) {
            throw SqlError.of("Cannot define RLS rule on private table: " + table.name()
                    + ". Please make table public if you wish to restrict access using RLS.");
        }
        if (table.kind() == TableKind.SYSTEM) {
            throw SqlError.of("Cannot define RLS rule on system table: " + table.name());
        }
        return table.tableId();
    }

    /** As {@link #check(String, ReadView, Limits)} while a database is created, where the message names the rule. */
    public static int checkNew(String sql, ReadView view, Limits limits) {
        try {
            return check(sql, view, limits);
        } catch (EngineException e) {
            throw new EngineException(
                    e.code(), "failed to create row-level security: `" + SqlError.shorten(sql) + "`: " + e.getMessage());
        }
    }

    /** Texts of the rules that protect a table. */
    private static List<String> rules(TableSchema table, ReadView view) {
        Optional<TableSchema> rules = view.table(ST_ROW_LEVEL_SECURITY);
        if (rules.isEmpty()) {
            return List.of();
        }
        BsatnWriter wanted = new BsatnWriter(Integer.BYTES);
        wanted.writeU32(table.tableId());
        MemorySegment tableId = MemorySegment.ofArray(wanted.buffer());
        RowLayout layout = RowLayout.of(rules.get().rowType());
        List<String> found = new ArrayList<>();
        for (RowIterator row = view.scan(ST_ROW_LEVEL_SECURITY); row.next();) {
            long at = layout.columnOffset(row.segment(), row.offset(), TABLE_ID);
            if (RowLayout.sameBytes(row.segment(), at, tableId, 0, Integer.BYTES)) {
                BsatnWriter sql = new BsatnWriter();
                SelectPlan.appendColumn(sql, layout, row.segment(), row.offset(), SQL);
                found.add(new BsatnReader(sql.buffer(), 0, sql.length()).readString());
            }
        }
        return found;
    }
}
