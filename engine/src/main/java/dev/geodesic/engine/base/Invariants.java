package dev.geodesic.engine.base;

/**
 * Checks of what must hold. A failed check is a bug: it throws {@link EngineException} with {@link ErrorCode#INTERNAL},
 * which stops the database in which it happened and nothing else.
 */
public final class Invariants {

    private Invariants() {
    }

    public static void check(boolean condition, String message) {
        if (!condition) {
            throw new EngineException(ErrorCode.INTERNAL, message);
        }
    }

    public static void check(boolean condition, String message, String name, long value) {
        if (!condition) {
            throw new EngineException(ErrorCode.INTERNAL, message).with(name, value);
        }
    }

    public static void check(boolean condition, String message, String name1, Object value1, String name2, Object value2) {
        if (!condition) {
            throw new EngineException(ErrorCode.INTERNAL, message).with(name1, value1).with(name2, value2);
        }
    }
}
