package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.Identity;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The databases of a server: those that run, those that are being opened, and those that could not be. Thread-safe. */
final class Databases {

    private final Map<Identity, Database> running = new ConcurrentHashMap<>();
    /** Why a database could not be opened. */
    private final Map<Identity, EngineException> failed = new ConcurrentHashMap<>();
    private final Openings openings;
    private final Turns turns = new Turns();

    Databases(Openings openings) {
        this.openings = openings;
    }

    /** It runs. */
    void put(Database database) {
        running.put(database.identity(), database);
        failed.remove(database.identity());
    }

    /** It could not be opened. */
    void putFailed(Identity identity, EngineException reason) {
        running.remove(identity);
        failed.put(identity, reason);
    }

    /** It is gone; returns what ran. */
    Optional<Database> remove(Identity identity) {
        failed.remove(identity);
        return Optional.ofNullable(running.remove(identity));
    }

    Optional<Database> running(Identity identity) {
        return Optional.ofNullable(running.get(identity));
    }

    List<Database> running() {
        return List.copyOf(running.values());
    }

    int count() {
        return running.size();
    }

    /** All are closed. */
    void clear() {
        running.clear();
    }

    Map<Identity, EngineException> failed() {
        return Map.copyOf(failed);
    }

    Openings openings() {
        return openings;
    }

    /**
     * A running database; waits a while for one that is being opened. Errors: NO_SUCH_DATABASE, DATABASE_FAILED if it could
     * not be opened, BUSY if it is not open yet.
     */
    Database require(Identity identity) {
        Database database = running.get(identity);
        if (database == null) {
            openings.await(identity);
            database = running.get(identity);
        }
        if (database == null) {
            EngineException reason = failed.get(identity);
            throw reason != null
                    ? new EngineException(ErrorCode.DATABASE_FAILED, "the database could not be opened: " + reason.getMessage())
                    : new EngineException(ErrorCode.NO_SUCH_DATABASE, "No such database.");
        }
        return database;
    }

    /** Runs work while nobody else works on the same database, once that is open, or on the same name. Errors: BUSY. */
    <T> T alone(Object databaseOrName, Supplier<T> work) {
        if (databaseOrName instanceof Identity identity) {
            openings.await(identity);
        }
        return turns.alone(databaseOrName, work);
    }
}
