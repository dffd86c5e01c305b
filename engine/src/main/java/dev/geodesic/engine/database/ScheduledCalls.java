package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.modulelog.ModuleLog;
import dev.geodesic.engine.port.Timer;
import dev.geodesic.engine.schedule.DueCall;
import dev.geodesic.engine.schedule.Firing;
import dev.geodesic.engine.schedule.ScheduleAt;
import dev.geodesic.engine.schedule.ScheduleRow;
import dev.geodesic.engine.schedule.Scheduler;
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
 * </pre>
 */
final class ScheduledCalls implements Firing, Participant, AutoCloseable {

    private final CommittedState committed;
    private final Transactor transactor;
    private final Program program;
    private final ReducerCalls reducers;
    private final ModuleLog log;
    private final Consumer<Writer.Task> writer;
    private final Scheduler scheduler;
    private final ClientInfo self;

    ScheduledCalls(
            Identity database,
            Timer timer,
            CommittedState committed,
            Transactor transactor,
            Program program,
            ReducerCalls reducers,
            ModuleLog log,
            Consumer<Writer.Task> writer) {
        this.committed = committed;
        this.transactor = transactor;
        this.program = program;
        this.reducers = reducers;
        this.log = log;
        this.writer = writer;
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
        writer.accept(new Writer.Task() {
            @Override
            public void run() {
                call(due);
                ended.run();
            }

            @Override
            public void refuse(EngineException reason) {
                // The row stays, for the next start.
            }
        });
    }

    private void call(DueCall due) {
        if (committed.writerView().table(due.tableId()).isEmpty()) {
            return;
        }
        Table table = committed.requireTable(due.tableId());
        ScheduleRow.Found row = ScheduleRow.find(transactor.view(), table, due.rowId()).orElse(null);
        if (row == null) {
            return;
        }
        long timestamp = scheduler.start(due);
        String function = program.definition().table(table.schema().name())
                .flatMap(TableDef::schedule)
                .map(TableDef.Schedule::function)
                .orElse(table.schedule().function());
        Optional<ReducerDef> reducer = program.definition().reducer(function);
        if (reducer.isPresent()) {
            run(reducer.get(), row.bytes(), timestamp);
        } else {
            log.hostError(function, timestamp, "scheduled function \"" + function + "\" does not exist");
        }
        afterwards(due, table);
    }

    private void run(ReducerDef reducer, byte[] row, long timestamp) {
        try {
            CallArguments arguments = CallArguments.check(reducer, new Arguments.Bsatn(row), false);
            reducers.run(reducer, self, row, ReducerCalls.cause(self, reducer, timestamp, arguments, 0));
        } catch (EngineException e) {
            logUnlessFatal(reducer.name(), timestamp, e);
        }
    }

    private void logUnlessFatal(String function, long timestamp, EngineException e) {
        if (Database.isFatal(e)) {
            throw e;
        }
        log.hostError(function, timestamp, e.getMessage());
    }

    /** What the row says after the call decides: a time was once, an interval goes on. */
    private void afterwards(DueCall due, Table table) {
        Optional<ScheduleRow.Found> row = ScheduleRow.find(transactor.view(), table, due.rowId());
        switch (row.map(ScheduleRow.Found::at).orElse(null)) {
            case null -> { }
            case ScheduleAt.Interval interval -> scheduler.repeat(due, interval);
            case ScheduleAt.Time time -> {
                try {
                    transactor.transact(ReducerCalls.noReducer(self),
                            () -> ScheduleRow.delete(transactor.tx(), table, due.rowId()));
                } catch (EngineException e) {
                    // A view that reads the table, say. The row fires again after the next start.
                    logUnlessFatal(table.schema().name(), due.dueMicros(), e);
                }
            }
        }
    }

    /** Any thread. Rows stay. */
    @Override
    public void close() {
        scheduler.close();
    }
}
