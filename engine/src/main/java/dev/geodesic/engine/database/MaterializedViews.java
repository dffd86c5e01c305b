package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.host.ViewOutcome;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.engine.view.ViewKey;
import dev.geodesic.engine.view.ViewResult;
import dev.geodesic.engine.view.ViewRunner;
import dev.geodesic.engine.view.Views;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The views of a database at work (spec/execution.md section 6): run in the guest when somebody asks, refreshed in every
 * transaction, and cleaned away when nobody has asked for long. Writer thread, except where a method says otherwise.
 */
final class MaterializedViews implements Participant, AutoCloseable {

    private static final long CLEAN_MICROS_MAX = TimeUnit.MINUTES.toMicros(10);
    private static final long CLEAN_MICROS_MIN = TimeUnit.SECONDS.toMicros(10);

    private final Limits limits;
    private final Views views;
    private final Transactor transactor;
    private final Catalog catalog;
    private final ModuleLog log;
    private final Timer timer;
    private final Consumer<Writer.Task> writer;
    private final ClientInfo self;
    private long cleanMicros = CLEAN_MICROS_MAX;
    /** Guarded by this; null before the first one and after the end. */
    private Timer.Wake nextCleaning;
    /** Guarded by this. */
    private boolean closed;

    MaterializedViews(
            Identity database,
            Limits limits,
            SqlEngine sql,
            Timer timer,
            Transactor transactor,
            Catalog catalog,
            ModuleLog log,
            Consumer<Writer.Task> writer) {
        this.limits = limits;
        this.views = new Views(limits, sql, timer);
        this.transactor = transactor;
        this.catalog = catalog;
        this.log = log;
        this.timer = timer;
        this.writer = writer;
        this.self = new ClientInfo(database, ConnectionId.NONE, "");
    }

    // ---- programs ----

    /** Puts the views of a program into service: the first one, one after a start, or the one of {@link #update}. */
    void start(LoadedModule module) {
        views.start(module.definition().views(), runner(module));
        synchronized (this) {
            if (nextCleaning == null && !closed) {
                nextCleaning = timer.after(cleanMicros, this::askForCleaning);
            }
        }
    }

    /** Creates the views of a first program in the open transaction. */
    void create(LoadedModule module) {
        for (ViewDef view : module.definition().sortedViews()) {
            log.hostInfo("Creating table for view `" + view.name() + "`");
            catalog.createView(transactor.tx(), view);
        }
    }

    /** After a start: a view whose table is not what its definition says now is made anew (spec/execution.md section 10). */
    void adapt(LoadedModule module) {
        Set<ViewDef> missing = new LinkedHashSet<>(module.definition().sortedViews());
        Set<TableSchema> wrong = new LinkedHashSet<>();
        for (TableSchema table : transactor.view().tables()) {
            if (table.role().isView() && !missing.removeIf(v -> Catalog.isTableOf(v, table))) {
                wrong.add(table);
            }
        }
        if (!missing.isEmpty() || !wrong.isEmpty()) {
            transactor.transact(ReducerCalls.noReducer(self, transactor.nowMicros()), () -> {
                wrong.forEach(t -> catalog.dropTable(transactor.tx(), t));
                missing.forEach(v -> catalog.createView(transactor.tx(), v));
            });
        }
    }

    /**
     * The last step of an update's open transaction: runs every materialised view in the new program. Errors: those of
     * {@link Views}, which refuse the update.
     */
    void update(LoadedModule next) {
        views.update(next.definition().views(), runner(next), transactor.tx());
    }

    private ViewRunner runner(LoadedModule module) {
        return (view, caller, reads) -> switch (module.callView(reads, view, caller)) {
            case ViewOutcome.Rows(byte[] array) -> new ViewResult.Rows(array);
            case ViewOutcome.Sql(String text) -> new ViewResult.Sql(text);
            case ViewOutcome.Failed(String message) -> failed(view, message);
            case ViewOutcome.Trapped trapped -> failed(view, trapped.message());
            case ViewOutcome.TimedOut late -> {
                failed(view, "the call took longer than " + limits.callMillisMax() + " ms");
                yield new ViewResult.TimedOut();
            }
        };
    }

    private ViewResult failed(ViewDef view, String message) {
        log.hostError(view.name(), Database.now(), message);
        return new ViewResult.Failed();
    }

    // ---- readers ----

    /** What of these tables is a view, for this caller. Any thread. */
    static Set<ViewKey> of(Collection<TableSchema> tables, Identity caller) {
        Set<ViewKey> keys = new LinkedHashSet<>();
        for (TableSchema table : tables) {
            if (table.role().isView()) {
                keys.add(ViewKey.of(table, caller));
            }
        }
        return keys;
    }

    /**
     * Sees to it that views have rows, and keeps them for some minutes. Between transactions. Errors: those of
     * {@link Views}, and nothing is stored then.
     */
    void use(Collection<ViewKey> keys) {
        if (keys.stream().allMatch(views::isMaterialized)) {
            keys.forEach(views::used);
            return;
        }
        transactor.transact(ReducerCalls.noReducer(self, transactor.nowMicros()), () -> keys.forEach(k -> {
            // Gone with an update since the query was compiled.
            if (transactor.tx().table(k.tableId()).isPresent()) {
                views.materialize(k, transactor.tx());
            }
        }));
    }

    /** A subscription reads these views, which exist, until {@link #unsubscribed}. */
    void subscribed(Collection<ViewKey> keys) {
        keys.forEach(views::subscribed);
    }

    void unsubscribed(Collection<ViewKey> keys) {
        keys.forEach(views::unsubscribed);
    }

    // ---- transactions ----

    @Override
    public void beforeCommit(MutTx tx) {
        views.refresh(tx);
    }

    @Override
    public void committed(TxData data, long timestampMicros) {
        views.committed();
    }

    @Override
    public void rolledBack() {
        views.rolledBack();
    }

    // ---- cleaning ----

    /** On a thread of the timer. */
    private void askForCleaning() {
        writer.accept(new Writer.Task() {
            @Override
            public void run() {
                clean();
            }

            @Override
            public void refuse(EngineException reason) {
                // There is nothing to clean any more.
            }
        });
    }

    /** Under a backlog the pause halves each time. */
    private void clean() {
        boolean left = transactor.transact(
                ReducerCalls.noReducer(self, transactor.nowMicros()), () -> views.expire(transactor.tx()));
        cleanMicros = left ? Math.max(CLEAN_MICROS_MIN, cleanMicros / 2) : CLEAN_MICROS_MAX;
        synchronized (this) {
            if (!closed) {
                nextCleaning = timer.after(cleanMicros, this::askForCleaning);
            }
        }
    }

    /** Any thread. */
    @Override
    public synchronized void close() {
        closed = true;
        if (nextCleaning != null) {
            nextCleaning.cancel();
        }
    }
}
