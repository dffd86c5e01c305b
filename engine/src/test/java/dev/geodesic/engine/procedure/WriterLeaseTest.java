package dev.geodesic.engine.procedure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.testkit.Proves;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The writer comes back from every lease, whatever the borrower does. */
@Timeout(30)
@Proves("module-abi.md 5.9")
class WriterLeaseTest {

    private final LinkedBlockingQueue<ProcedureDatabase.WriterTask> tasks = new LinkedBlockingQueue<>();
    private final List<String> done = new CopyOnWriteArrayList<>();
    private Optional<EngineException> refusal = Optional.empty();
    private RuntimeException fatal;

    private final ProcedureDatabase database = new ProcedureDatabase() {
        @Override
        public void onWriter(WriterTask task) {
            tasks.add(task);
        }

        @Override
        public Transaction begin(long timestampMicros) {
            done.add("begin " + timestampMicros);
            return null;
        }

        @Override
        public Optional<EngineException> commit(long timestampMicros) {
            done.add("commit " + timestampMicros);
            if (fatal != null) {
                throw fatal;
            }
            return refusal;
        }

        @Override
        public void rollback() {
            done.add("rollback");
        }

        @Override
        public long lastTxOffset() {
            return 40 + done.size();
        }

        @Override
        public Optional<String> credentials(ConnectionId connection) {
            return Optional.empty();
        }

        @Override
        public long nowMicros() {
            return 7;
        }

        @Override
        public void logError(String function, String text) {
            throw new AssertionError(text);
        }

        @Override
        public void fault(Throwable cause) {
            throw new AssertionError(cause);
        }
    };

    private final ProcedureCall call = new ProcedureCall(database, null, Limits.DEFAULTS, null);

    /** Runs the borrower on a thread of its own, as the lease asks for; what it throws is kept. */
    private Thread borrower(Runnable work, AtomicReference<Throwable> failure) {
        return Thread.ofPlatform().daemon().start(() -> {
            try {
                work.run();
            } catch (Throwable e) {
                failure.set(e);
            }
        });
    }

    private ProcedureDatabase.WriterTask task() throws InterruptedException {
        ProcedureDatabase.WriterTask task = tasks.poll(20, TimeUnit.SECONDS);
        assertTrue(task != null, "nobody asked for the writer");
        return task;
    }

    private Throwable borrow(Runnable work) throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = borrower(work, failure);
        task().run();
        thread.join();
        return failure.get();
    }

    @Test
    void commitsAndAborts() throws Exception {
        assertNull(borrow(() -> {
            assertEquals(7, call.startTx().micros());
            call.commit();
        }));
        assertEquals(List.of("begin 7", "commit 7"), done);
        assertEquals(42, call.lastTxOffset());
        assertNull(borrow(() -> {
            call.startTx();
            call.abort();
        }));
        assertEquals(List.of("begin 7", "commit 7", "begin 7", "rollback"), done);
    }

    @Test
    void aBorrowerThatDiesHasLetGo() throws Exception {
        assertNull(borrow(call::startTx));
        assertEquals(List.of("begin 7", "rollback"), done);
    }

    @Test
    void aRefusedCommitTrapsWhateverItsNumber() throws Exception {
        refusal = Optional.of(new EngineException(ErrorCode.UNIQUE_ALREADY_EXISTS, "a view failed"));
        Throwable failure = borrow(() -> {
            call.startTx();
            call.commit();
        });
        assertEquals(ErrorCode.GUEST_TRAP, ((EngineException) failure).code());
        assertTrue(failure.getMessage().contains("a view failed"));
    }

    @Test
    void aFatalCommitStopsTheDatabaseAndFreesTheBorrower() throws Exception {
        fatal = new EngineException(ErrorCode.STORAGE_FAILED, "disk");
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = borrower(() -> {
            call.startTx();
            call.commit();
        }, failure);
        ProcedureDatabase.WriterTask task = task();
        assertEquals(fatal, assertThrows(EngineException.class, task::run));
        thread.join();
        assertTrue(failure.get() instanceof EngineException, () -> "" + failure.get());
    }

    @Test
    void aStoppedDatabaseRefuses() throws Exception {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = borrower(call::startTx, failure);
        task().refuse(new EngineException(ErrorCode.DATABASE_STOPPED, "stopped"));
        thread.join();
        assertEquals(ErrorCode.DATABASE_STOPPED, ((EngineException) failure.get()).code());
        assertEquals(List.of(), done);
    }

    @Test
    void whoGivesUpWaitingGetsNoTransactionLater() throws Exception {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Limits d = Limits.DEFAULTS;
        Limits brief = new Limits(
                d.memoryBytesMax(), d.callMillisMax(), d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(), d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(),
                d.queryTextBytesMax(), d.databasesMax(), d.connectionsMax(),
                new Limits.Calls(100, 100, d.calls().resultBytesMax(), d.calls().iteratorBytesMax()), d.reads());
        ProcedureCall impatient = new ProcedureCall(database, null, brief, null);
        Thread thread = borrower(impatient::startTx, failure);
        ProcedureDatabase.WriterTask task = task();
        thread.join();
        assertEquals(ErrorCode.GUEST_TIMEOUT, ((EngineException) failure.get()).code());
        task.run();
        assertEquals(List.of(), done);
        assertFalse(impatient.lastTxOffset() >= 0);
    }
}
