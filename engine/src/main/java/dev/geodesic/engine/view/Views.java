package dev.geodesic.engine.view;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.QueryBudget;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.query.SubscriptionQuery;
import dev.geodesic.engine.query.TypeText;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.RecordingTransaction;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.ProductType;
import it.unimi.dsi.fastutil.ints.Int2ObjectMap;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The materialised views of one database (spec/execution.md section 6). What happens in a transaction counts from
 * {@link #committed}, or never happened after {@link #rolledBack}; one of both must follow every transaction. Writer thread.
 *
 * <p>A view that fails fails the transaction: GUEST_TRAP, GUEST_TIMEOUT or VIEW_FAILED with the text for the caller
 * (spec/execution.md 6.4).
 */
public final class Views {

    /** How long rows stay that nobody asks for. */
    private static final long EXPIRY_MICROS = TimeUnit.MINUTES.toMicros(10);
    private static final int EXPIRY_BATCH = 1024;
    private static final long EXPIRY_BUDGET_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final String FATAL_ERROR = "The instance encountered a fatal error.";

    private final Limits limits;
    private final SqlEngine sql;
    private final Timer clock;
    private final Map<ViewKey, Materialization> materialized = new HashMap<>();
    /** Those without subscribers, the one that was used longest ago first. */
    private final LinkedHashMap<ViewKey, Materialization> unused = new LinkedHashMap<>();
    private final ReadIndex readers = new ReadIndex();
    private final Int2ObjectMap<KeyHash> indexes = new Int2ObjectOpenHashMap<>();
    private Program program = new Program(Map.of(), (view, caller, reads) -> new ViewResult.Failed());
    private final Int2ObjectMap<ViewTable> tables = new Int2ObjectOpenHashMap<>();

    /** What the open transaction makes true if it commits. */
    private final Map<ViewKey, ReadSet> newReads = new LinkedHashMap<>();
    private final Set<ViewKey> gone = new LinkedHashSet<>();
    private Program newProgram;

    private record Program(Map<String, ViewDef> views, ViewRunner runner) {

        static Program of(List<ViewDef> all, ViewRunner runner) {
            Map<String, ViewDef> views = new HashMap<>();
            all.forEach(v -> views.put(v.name(), v));
            return new Program(views, runner);
        }
    }

    public Views(Limits limits, SqlEngine sql, Timer clock) {
        this.limits = limits;
        this.sql = sql;
        this.clock = clock;
    }

    /** Takes the views of a program into service, the first one or one after a start. For an update see {@link #update}. */
    public void start(List<ViewDef> views, ViewRunner runner) {
        program = Program.of(views, runner);
    }

    // ---- what is asked for ----

    /**
     * Sees to it that rows exist which somebody is about to read. Nothing may be written after it in this transaction.
     *
     * @return whether the view had to be run
     */
    public boolean materialize(ViewKey key, MutTx tx) {
        if (newReads.containsKey(key) || materialized.containsKey(key)) {
            return false;
        }
        run(key, program, tx);
        return true;
    }

    public boolean isMaterialized(ViewKey key) {
        return materialized.containsKey(key);
    }

    /** Somebody reads the rows once. Between transactions. */
    public void used(ViewKey key) {
        Materialization m = materialized.get(key);
        if (m != null) {
            m.used(clock.nowMicros());
            if (unused.remove(key) != null) {
                unused.put(key, m);
            }
        }
    }

    /** Somebody reads the rows from now on, until {@link #unsubscribed}. They exist. Between transactions. */
    public void subscribed(ViewKey key) {
        Materialization m = materialized.get(key);
        m.addSubscribers(1);
        unused.remove(key);
    }

    /** The rows stay for a while. */
    public void unsubscribed(ViewKey key) {
        Materialization m = materialized.get(key);
        if (m != null && m.subscribers() > 0) {
            m.addSubscribers(-1);
            if (m.subscribers() == 0) {
                m.used(clock.nowMicros());
                unused.put(key, m);
            }
        }
    }

    // ---- what is written ----

    /** Runs every view again that has read what the transaction changed. The last thing in every transaction. */
    public void refresh(MutTx tx) {
        if (readers.isEmpty()) {
            return;
        }
        Set<Materialization> touched = new LinkedHashSet<>();
        readers.collect(tx, touched);
        for (Materialization m : touched) {
            // Those that were run in this transaction already saw everything.
            if (!newReads.containsKey(m.key()) && !gone.contains(m.key())) {
                run(m.key(), newProgram == null ? program : newProgram, tx);
            }
        }
    }

    /**
     * Replaces the module: every view that somebody has asked for runs in the new one. The last thing in the transaction
     * of the update, when the tables are those of the new module. Views whose tables are gone are forgotten.
     */
    public void update(List<ViewDef> views, ViewRunner runner, MutTx tx) {
        newProgram = Program.of(views, runner);
        tables.clear();
        for (ViewKey key : materialized.keySet()) {
            if (tx.table(key.tableId()).isPresent()) {
                run(key, newProgram, tx);
            } else {
                gone.add(key);
            }
        }
    }

    /**
     * Deletes rows that nobody has asked for in a while, for some milliseconds at most.
     *
     * @return whether some are left
     */
    public boolean expire(MutTx tx) {
        long deadline = System.nanoTime() + EXPIRY_BUDGET_NANOS;
        long now = clock.nowMicros();
        long before = now - EXPIRY_MICROS;
        if (!unused.isEmpty() && unused.values().iterator().next().lastUsedMicros() > now) {
            // The clock was set back.
            unused.values().forEach(m -> m.used(Math.min(m.lastUsedMicros(), now)));
        }
        for (Materialization m : unused.values()) {
            if (m.lastUsedMicros() > before) {
                return false;
            }
            if (gone.size() == EXPIRY_BATCH || !gone.isEmpty() && System.nanoTime() > deadline) {
                return true;
            }
            table(m.key().tableId(), tx).clear(argumentHash(m.key()), tx);
            gone.add(m.key());
        }
        return false;
    }

    /** The transaction is visible. */
    public void committed() {
        if (newProgram != null) {
            program = newProgram;
            indexes.clear();
        }
        newReads.forEach((key, reads) -> {
            Materialization known = materialized.get(key);
            if (known != null) {
                readers.remove(known);
                known.setReads(reads);
                readers.add(known);
            } else {
                Materialization added = new Materialization(key, reads, clock.nowMicros());
                materialized.put(key, added);
                unused.put(key, added);
                readers.add(added);
            }
        });
        for (ViewKey key : gone) {
            readers.remove(materialized.remove(key));
            unused.remove(key);
        }
        clearPending();
    }

    /** The transaction came to nothing. */
    public void rolledBack() {
        if (newProgram != null) {
            tables.clear();
        }
        clearPending();
    }

    private void clearPending() {
        newProgram = null;
        newReads.clear();
        gone.clear();
    }

    // ---- running ----

    private ViewTable table(int tableId, MutTx tx) {
        return tables.computeIfAbsent(tableId, id -> new ViewTable(tx.table(id).orElseThrow()));
    }

    private static byte[] argumentHash(ViewKey key) {
        return Hashes.viewArguments(key.caller());
    }

    private void run(ViewKey key, Program by, MutTx tx) {
        ViewTable table = table(key.tableId(), tx);
        ViewDef view = by.views().get(table.name());
        Invariants.check(view != null, "every table of a view has its view", "table", key.tableId());
        ReadSet reads = new ReadSet(id -> indexes.computeIfAbsent(id, i -> new KeyHash(tx.tableOfIndex(i), i)));
        ViewResult result = by.runner().run(view, key.caller(), new RecordingTransaction(tx, reads));
        try {
            ViewRows rows = new ViewRows(table, argumentHash(key));
            switch (result) {
                case ViewResult.Rows(byte[] array) -> rows.addArray(array);
                case ViewResult.Sql(String text) -> select(text, table, tx, rows, reads);
                case ViewResult.Failed failed -> throw new EngineException(ErrorCode.GUEST_TRAP, FATAL_ERROR);
                case ViewResult.TimedOut late ->
                    throw new EngineException(ErrorCode.GUEST_TIMEOUT, "the view " + view.name() + " took too long");
            }
            rows.replaceIn(tx);
        } catch (EngineException e) {
            throw switch (e.code()) {
                case GUEST_TRAP, GUEST_TIMEOUT, INTERNAL -> e;
                default -> new EngineException(
                        ErrorCode.VIEW_FAILED, "Error materializing view `" + view.name() + "`: " + e.getMessage());
            };
        }
        newReads.put(key, reads);
    }

    /** Runs what a view has to say as SQL (spec/execution.md 6.5). */
    private void select(String text, ViewTable table, MutTx tx, ViewRows out, ReadSet reads) {
        if (text.isBlank()) {
            return;
        }
        List<SubscriptionQuery> queries = sql.compileSubscription(text, tx, new Caller(Identity.ZERO, true));
        if (queries.stream().flatMap(q -> q.tables().stream()).anyMatch(t -> t.role().isView())) {
            throw new EngineException(ErrorCode.SQL, "view definition cannot read from other views");
        }
        if (queries.stream().anyMatch(SubscriptionQuery::dependsOnCaller)) {
            throw new EngineException(ErrorCode.SQL, "parameterized SQL is not supported for view materialization yet");
        }
        for (SubscriptionQuery query : queries) {
            ProductType type = query.table().rowType();
            if (!type.equals(table.rowType())) {
                throw new EngineException(ErrorCode.SQL, "query returns `" + TypeText.of(type) + "` but view expects `"
                        + TypeText.of(table.rowType()) + "`");
            }
        }
        if (queries.size() != 1) {
            throw new EngineException(ErrorCode.SQL, "a view returns the rows of one query");
        }
        SubscriptionQuery query = queries.getFirst();
        if (query.tables().stream().anyMatch(TableSchema::event)) {
            // Their rows are gone when the transaction is over, and nothing would run the view then.
            return;
        }
        query.tables().forEach(t -> reads.wholeTable(t.tableId()));
        query.rows(tx, new QueryBudget(limits), out::add);
    }
}
