package dev.geodesic.engine.database;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** One thread at a time works on a database, or on a name; a name's turn comes first. Thread-safe. */
final class Turns {

    /** Databases and names that somebody works on, or waits for. */
    private final Map<Object, Turn> turns = new HashMap<>();

    private static final class Turn {

        private final ReentrantLock lock = new ReentrantLock();
        /** Guarded by {@link #turns}. */
        private int users;
    }

    /** Runs work while nobody else works on the same thing. */
    <T> T alone(Object thing, Supplier<T> work) {
        Turn turn;
        synchronized (turns) {
            turn = turns.computeIfAbsent(thing, k -> new Turn());
            turn.users++;
        }
        turn.lock.lock();
        try {
            return work.get();
        } finally {
            turn.lock.unlock();
            synchronized (turns) {
                if (--turn.users == 0) {
                    turns.remove(thing);
                }
            }
        }
    }
}
