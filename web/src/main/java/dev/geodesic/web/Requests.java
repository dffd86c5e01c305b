package dev.geodesic.web;

import dev.geodesic.ejb.RequestOptions;
import dev.geodesic.ejb.ServerBean;
import dev.geodesic.sats.Identity;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.Response;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Where requests wait, since no thread of the container does: what takes time is done on threads of our own, and
 * answers are sent from virtual threads, which slow readers may hold.
 */
@ApplicationScoped
public class Requests {

    /** Of the heap, for results that are being sent. */
    private static final int HEAP_SHARE = 8;
    private static final int PROGRAMS_WAITING_MAX = 256;
    /** Each may keep a database twice in memory. */
    private static final int BACKUPS = 2;
    private static final int BACKUPS_OF_DATABASE = 1;
    private static final int BACKUPS_WAITING_MAX = 8;
    private static final Executor SENDERS = task -> Thread.ofVirtual().name("geodesic-answer").start(task);

    private final int callsMax;
    private final Lanes databases;
    private final Lanes programs;
    private final Lanes backups;
    private final Budget results = new Budget(Runtime.getRuntime().maxMemory() / HEAP_SHARE);
    private final Map<Identity, Integer> calls = new ConcurrentHashMap<>();

    /** Work about a database, as opposed to work in it, which may be stuck. */
    private record Administration(Object of) {
    }

    /** For the container, which makes a proxy of it. */
    Requests() {
        this.callsMax = 0;
        this.databases = null;
        this.programs = null;
        this.backups = null;
    }

    @Inject
    Requests(ServerBean bean) {
        RequestOptions options = bean.config().requests();
        this.callsMax = options.waitingOfDatabase();
        this.databases = new Lanes(
                "geodesic-request-", options.threads(), options.threadsOfDatabase(), options.waitingOfDatabase());
        this.programs = new Lanes("geodesic-program-", options.programs(), options.programs(), PROGRAMS_WAITING_MAX);
        this.backups = new Lanes("geodesic-backup-", BACKUPS, BACKUPS_OF_DATABASE, BACKUPS_WAITING_MAX);
    }

    @PreDestroy
    void stop() {
        if (databases != null) {
            databases.close();
            programs.close();
            backups.close();
        }
    }

    /** Runs a statement, or what else takes a thread in a database. Errors: a 503 if too much waits for that database. */
    public <T> CompletableFuture<T> inDatabase(Identity database, Supplier<T> work) {
        return databases.submit(database, work);
    }

    /** Creates, changes or ends a database, or something about it. Errors: as {@link #inDatabase}. */
    <T> CompletableFuture<T> about(Identity database, Supplier<T> work) {
        return databases.submit(new Administration(database), work);
    }

    /** Compiles and installs, or looks at, a program. Errors: a 503 if too many wait. */
    <T> CompletableFuture<T> withProgram(Supplier<T> work) {
        return programs.submit(Requests.class, work);
    }

    /** Backs up, restores or reads through a database. Errors: a 503 if too much waits for that database. */
    <T> CompletableFuture<T> withBackup(Object databaseOrCaller, Supplier<T> work) {
        return backups.submit(databaseOrCaller, work);
    }

    /** Counts a call while the database works on it. Errors: a 503 if too many of that database are under way. */
    public <T> CompletableFuture<T> call(Identity database, Supplier<CompletableFuture<T>> call) {
        calls.compute(database, (key, count) -> {
            if (count != null && count >= callsMax) {
                throw new RefusedException(503, "More than " + callsMax + " calls are waiting; try again later");
            }
            return count == null ? 1 : count + 1;
        });
        CompletableFuture<T> answer;
        try {
            answer = call.get();
        } catch (Throwable e) {
            leave(database);
            throw e;
        }
        return answer.whenComplete((value, failure) -> leave(database));
    }

    private void leave(Identity database) {
        calls.computeIfPresent(database, (key, count) -> count == 1 ? null : count - 1);
    }

    /** Requests that run or wait, calls included. */
    int pending() {
        return databases.taskCount() + programs.taskCount() + backups.taskCount()
                + calls.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** Memory of results that are being sent. */
    public Budget results() {
        return results;
    }

    /** Sends an answer, or the error instead of it, from a thread that may wait for the client. */
    static void send(CompletionStage<Response> response, AsyncResponse to) {
        then(response, (value, failure) -> {
            if (failure == null) {
                to.resume(value);
            } else {
                to.resume(failure);
            }
        });
    }

    /** What is to happen with a result, or with the error instead of it, on a thread that may wait. */
    interface Receiver<T> {
        void accept(T value, Throwable failure);
    }

    static <T> void then(CompletionStage<T> result, Receiver<T> receiver) {
        result.whenCompleteAsync((value, failure) -> receiver.accept(value, reason(failure)), SENDERS);
    }

    /** What failed, without what futures wrap it in; null if nothing did. */
    static Throwable reason(Throwable failure) {
        return failure instanceof CompletionException e && e.getCause() != null ? e.getCause() : failure;
    }
}
