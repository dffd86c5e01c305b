package dev.geodesic.engine.backup;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Which state of a {@link Past} is wanted. */
public sealed interface Moment {

    /** The latest. */
    record Latest() implements Moment {
    }

    /** After so many transactions: the next one is the first that is not in it. */
    record Offset(long transactions) implements Moment {
    }

    /** Of a time, in microseconds since 1970: with every transaction that was committed until then. */
    record Time(long micros) implements Moment {
    }

    /** Number of transactions. Errors: INVALID_ARGUMENTS with what there is. */
    default long in(Past past) {
        // Before the first transaction there is no program.
        long from = Math.max(1, past.from());
        long transactions = switch (this) {
            case Latest latest -> past.until();
            case Offset offset -> offset.transactions();
            case Time time when time.micros() > past.untilMicros() || past.from() > 0 && time.micros() < past.fromMicros() -> -1;
            case Time time -> past.at(time.micros());
        };
        if (transactions < from || transactions > past.until()) {
            throw new EngineException(
                    ErrorCode.INVALID_ARGUMENTS, "there is no such moment: what there is goes from " + from + " transactions "
                            + (past.fromMicros() > 0 ? "(" + text(past.fromMicros()) + ") " : "") + "to " + past.until()
                            + " transactions (" + text(past.untilMicros()) + ")");
        }
        return transactions;
    }

    private static String text(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).toString();
    }
}
