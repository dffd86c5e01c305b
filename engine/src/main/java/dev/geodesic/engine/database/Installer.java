package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.catalog.ModuleRow;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.query.RowLevelSecurity;
import dev.geodesic.engine.schema.Lifecycle;
import dev.geodesic.engine.schema.MigrationPlan;
import dev.geodesic.engine.schema.MigrationPlanner;
import dev.geodesic.engine.schema.MigrationStep;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Puts programs into service: the first one, a stored one after a start, a new one over an old one. Writer thread. */
final class Installer {

    private final Identity database;
    private final Transactor transactor;
    private final Catalog catalog;
    private final Program program;
    private final ReducerCalls reducers;
    private final Clients clients;
    private final ModuleLog log;
    private final Procedures procedures;
    private final ScheduledCalls schedules;
    private final MaterializedViews views;
    private final Limits limits;

    Installer(
            Identity database,
            Limits limits,
            Transactor transactor,
            Catalog catalog,
            Program program,
            ReducerCalls reducers,
            Clients clients,
            ModuleLog log,
            Procedures procedures,
            ScheduledCalls schedules,
            MaterializedViews views) {
        this.database = database;
        this.limits = limits;
        this.transactor = transactor;
        this.catalog = catalog;
        this.program = program;
        this.reducers = reducers;
        this.clients = clients;
        this.log = log;
        this.procedures = procedures;
        this.schedules = schedules;
        this.views = views;
    }

    /** The calls that come from now on are the module's. */
    private void run(LoadedModule module, Identity owner) {
        program.set(module, owner);
        views.start(module);
        transactor.nameCallers(module.definition().version() < 10);
    }

    /**
     * Creates the tables of a first program and runs {@code init}, in one transaction. Errors: REDUCER_FAILED with the text
     * of {@code init}; nothing was committed then.
     */
    void initialize(LoadedModule first, Identity owner, long timestamp) {
        run(first, owner);
        createTables(first, owner, timestamp);
        schedules.restart();
    }

    private void createTables(LoadedModule first, Identity owner, long timestamp) {
        ClientInfo client = new ClientInfo(owner, ConnectionId.NONE, "");
        Runnable tables = () -> {
            MutTx tx = transactor.tx();
            for (TableDef table : first.definition().tables()) {
                log.hostInfo("Creating table `" + table.name() + "`");
                catalog.createTable(tx, table.toSchema(catalog));
            }
            views.create(first);
            createRules(first);
            store(first, owner);
        };
        Optional<ReducerDef> init = first.definition().lifecycleReducer(Lifecycle.INIT);
        if (init.isEmpty()) {
            transactor.transact(ReducerCalls.noReducer(client, transactor.nowMicros()), tables);
            log.hostInfo("Database initialized");
            return;
        }
        ReducerCall cause = ReducerCalls.cause(client, init.get(), timestamp, EncodedValue.EMPTY, 0);
        Runnable before = () -> {
            tables.run();
            log.hostInfo("Invoking `init` reducer");
        };
        CallResult result = reducers.run(init.get(), client, new byte[0], cause, null, before, () -> { }, updates -> { });
        switch (result) {
            case CallResult.Committed c -> log.hostInfo("Database initialized");
            case CallResult.Failed f -> throw new EngineException(ErrorCode.REDUCER_FAILED, f.message());
            case CallResult.Trapped t -> throw new EngineException(ErrorCode.REDUCER_FAILED, t.message());
            case CallResult.Refused r -> throw new EngineException(r.code(), r.message());
            case CallResult.TimedOut t ->
                throw new EngineException(ErrorCode.REDUCER_FAILED, "the init reducer ran into its deadline");
        }
    }

    private void createRules(LoadedModule first) {
        Map<String, Integer> rules = new LinkedHashMap<>();
        for (String sql : first.definition().raw().rowLevelSecurity()) {
            log.hostInfo("Creating row level security `" + sql + "`");
            try {
                rules.put(sql, RowLevelSecurity.checkNew(sql, transactor.tx(), limits));
            } catch (EngineException e) {
                throw Database.isFatal(e) ? e : new EngineException(ErrorCode.INVALID_MODULE_DEF, e.getMessage());
            }
        }
        catalog.setRowLevelSecurity(transactor.tx(), rules);
    }

    private void store(LoadedModule module, Identity owner) {
        catalog.setModule(transactor.tx(), new ModuleRow(database, owner, module.hash(), module.program()));
    }

    /** Takes a recovered database into service: disconnects the clients that a crash left (spec/execution.md 10). */
    void resume(LoadedModule stored, Identity owner) {
        run(stored, owner);
        views.adapt(stored);
        clients.disconnectLeftovers();
        schedules.restart();
    }

    /**
     * Replaces the program (spec/module-def.md 8.2, spec/execution.md 8.3). Connections and subscriptions live on, unless the
     * plan says otherwise. The old program runs on if this fails.
     *
     * @param mayBreakClients whether the publisher agrees to the end of all connections
     * @throws EngineException MIGRATION_REFUSED, MIGRATION_FAILED with the text for the publisher
     */
    void update(LoadedModule next, boolean mayBreakClients) {
        LoadedModule old = program.module();
        Identity owner = program.owner();
        if (next.hash().equals(old.hash())) {
            // The tables are right; a fresh instance may be what the publisher wants.
            run(next, owner);
            procedures.retire(old);
            return;
        }
        MigrationPlan plan = MigrationPlanner.plan(old.definition(), next.definition());
        if (plan.breaksClients() && !mayBreakClients) {
            throw new EngineException(ErrorCode.MIGRATION_FAILED,
                    "Migration plan contains a client-breaking change which is disallowed under current policy");
        }
        migrate(old, next, plan);
        run(next, owner);
        schedules.restart();
        procedures.retire(old);
        if (plan.breaksClients()) {
            clients.expelAll(CloseReason.MODULE_EXITED);
        } else {
            clients.hide(hidden(plan));
        }
    }

    private List<TableSchema> hidden(MigrationPlan plan) {
        return plan.steps().stream()
                .flatMap(step -> switch (step) {
                    case MigrationStep.ChangeAccess s when s.table().access() == TableAccess.PRIVATE ->
                        Stream.of(s.table().name());
                    case MigrationStep.UpdateView s when !s.view().view().isPublic() -> Stream.of(s.view().name());
                    default -> Stream.empty();
                })
                .map(name -> transactor.view().tableByName(name).orElseThrow())
                .toList();
    }

    private void migrate(LoadedModule old, LoadedModule next, MigrationPlan plan) {
        Identity owner = program.owner();
        try {
            transactor.transact(ReducerCalls.noReducer(
                    new ClientInfo(owner, ConnectionId.NONE, ""), transactor.nowMicros()), () -> {
                Migration.run(transactor.tx(), catalog, limits, old.definition(), next.definition(), plan);
                store(next, owner);
                views.update(next);
            });
        } catch (EngineException e) {
            throw Migration.failed(e);
        }
    }
}
