package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.schedule.DueCall;
import dev.geodesic.engine.schedule.Firing;
import dev.geodesic.engine.schedule.ScheduleAt;
import dev.geodesic.engine.schedule.ScheduleRow;
import dev.geodesic.engine.schedule.Scheduler;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.schema.TableDef;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.Table;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Makes the calls that are rows of schedule tables (spec/execution.md section 5). Each waits its turn in the writer's queue
 * like the call of a client, so that a row that is always due starves nobody. Writer thread, except where a method says
 * otherwise.
 *
 * <pre>
 *   reducer, once       call it │ delete the row      a crash between: it is called again
 *   reducer, interval   call it, queue the next tick
 *   procedure, once     delete the row │ call it      a crash behind the first: it is never called
 *   procedure, interval call it, queue the next tick
 * </pre>
 */
final class ScheduledCalls implements Firing, Participant, AutoCloseable {

    private static final long RETRY_MICROS = 100_000;
    private static final long DISK_RETRY_MICROS = 1_000_000;

    private final CommittedState committed;
    private final Transactor transactor;
    private final Program program;
    private final ReducerCalls reducers;
    private final Procedures procedures;
    private final ModuleLog log;
    private final Consumer<Writer.Task> writer;
    private final Timer timer;
    private final Scheduler scheduler;
    private final ClientInfo self;

    ScheduledCalls(
            Identity database,
            Timer timer,
            CommittedState committed,
            Transactor transactor,
            Program program,
            ReducerCalls reducers,
            Procedures procedures,
            ModuleLog log,
            Consumer<Writer.Task> writer) {
        this.committed = committed;
        this.transactor = transactor;
        this.program = program;
        this.reducers = reducers;
        this.procedures = procedures;
        this.log = log;
        this.writer = writer;
        this.timer = timer;
        this.scheduler = new Scheduler(database.toHex(), timer, this);
        this.self = new ClientInfo(database, ConnectionId.NONE, "");
    }

    /** Arms all rows anew: a program was put into service. */
    void restart() {
        scheduler.restart(committed.allTables());
    }

    @Override
    public void committed(TxData data, long timestampMicros) {
        scheduler.committed(data, timestampMicros);
    }

    /** Any thread. */
    @Override
    public void fire(DueCall due, Runnable ended) {
        onWriter(() -> call(due, ended));
    }

    private void onWriter(Runnable work) {
        writer.accept(new Writer.Task() {
            @Override
            public void run() {
                work.run();
            }

            @Override
            public void refuse(EngineException reason) {
                // A row that is still there waits for the next start.
            }
        });
    }

    private void call(DueCall due, Runnable ended) {
        Optional<Table> table = Optional.of(due.tableId())
                .filter(id -> transactor.view().table(id).isPresent()).map(committed::requireTable);
        Optional<ScheduleRow.Found> row = table.flatMap(t -> ScheduleRow.find(transactor.view(), t, due.rowId()));
        if (row.isEmpty()) {
            ended.run();
            return;
        }
        long timestamp = scheduler.start(due);
        String function = program.definition().table(table.get().schema().name())
                .flatMap(TableDef::schedule)
                .map(TableDef.Schedule::function)
                .orElse(table.get().schedule().function());
        Optional<ProcedureDef> procedure = program.definition().procedure(function);
        if (procedure.isPresent()) {
            if (transactor.isWritable()) {
                start(procedure.get(), due, table.get(), row.get(), timestamp, ended);
            } else {
                putOff(due, ended);
            }
            return;
        }
        Optional<ReducerDef> reducer = program.definition().reducer(function);
        if (reducer.isPresent()) {
            if (!run(reducer.get(), row.get().bytes(), timestamp)) {
                putOff(due, ended);
                return;
            }
        } else {
            log.hostError(function, timestamp, "scheduled function \"" + function + "\" does not exist");
        }
        settle(due, table.get());
        ended.run();
    }

    // ---- reducers ----

    /** False if the disk has no room for what it writes. */
    private boolean run(ReducerDef reducer, byte[] row, long timestamp) {
        try {
            CallArguments arguments = CallArguments.check(reducer, new Arguments.Bsatn(row), false);
            CallResult result =
                    reducers.run(reducer, self, row, ReducerCalls.cause(self, reducer, timestamp, arguments, 0));
            return !(result instanceof CallResult.Refused refused && refused.code() == ErrorCode.DISK_FULL);
        } catch (EngineException e) {
            logUnlessFatal(reducer.name(), timestamp, e);
            return true;
        }
    }

    /** The call waits for the disk, and so do all behind it: none is lost. */
    private void putOff(DueCall due, Runnable ended) {
        timer.after(DISK_RETRY_MICROS, () -> onWriter(() -> call(due, ended)));
    }

    private void logUnlessFatal(String function, long timestamp, EngineException e) {
        if (Database.isFatal(e)) {
            throw e;
        }
        log.hostError(function, timestamp, e.getMessage());
    }

    /** What the row says after the call decides: a time was once, an interval goes on. */
    private void settle(DueCall due, Table table) {
        switch (ScheduleRow.find(transactor.view(), table, due.rowId()).map(ScheduleRow.Found::at).orElse(null)) {
            case null -> { }
            case ScheduleAt.Interval interval -> scheduler.repeat(due, interval);
            case ScheduleAt.Time time -> delete(due, table);
        }
    }

    /** False if a view that reads the table objects: the row is due again after the next start. */
    private boolean delete(DueCall due, Table table) {
        try {
            transactor.transact(
                    ReducerCalls.noReducer(self, transactor.nowMicros()),
                    () -> ScheduleRow.delete(transactor.tx(), table, due.rowId()));
            return true;
        } catch (EngineException e) {
            logUnlessFatal(table.schema().name(), due.dueMicros(), e);
            return false;
        }
    }

    // ---- procedures ----

    private void start(
            ProcedureDef procedure, DueCall due, Table table, ScheduleRow.Found row, long timestamp, Runnable ended) {
        if (row.at() instanceof ScheduleAt.Time && !delete(due, table)) {
            ended.run();
            return;
        }
        try {
            CallArguments.check(procedure, new Arguments.Bsatn(row.bytes()));
        } catch (EngineException e) {
            log.hostError(procedure.name(), timestamp, e.getMessage());
            ended.run();
            return;
        }
        submit(procedure.name(), row.bytes(), timestamp, () -> {
            if (row.at() instanceof ScheduleAt.Interval interval) {
                scheduler.repeatUnlessArmed(due, interval);
            }
            ended.run();
        });
    }

    /** Calls a procedure, whatever comes of it. While too many calls wait already it tries again: the row may be gone. */
    private void submit(String name, byte[] row, long timestamp, Runnable ended) {
        Optional<ProcedureDef> procedure = program.definition().procedure(name);
        if (procedure.isEmpty()) {
            log.hostError(name, timestamp, "scheduled function \"" + name + "\" does not exist any more");
            ended.run();
            return;
        }
        procedures.call(procedure.get(), self, timestamp, row).whenComplete((result, failure) -> {
            if (failure instanceof EngineException e && e.code() == ErrorCode.LIMIT_EXCEEDED) {
                timer.after(RETRY_MICROS, () -> onWriter(() -> submit(name, row, timestamp, ended)));
            } else {
                ended.run();
            }
        });
    }

    /** No call is being made. Any thread. */
    boolean rest() {
        return scheduler.rests();
    }

    /** Any thread. Rows stay. */
    @Override
    public void close() {
        scheduler.close();
    }
}
