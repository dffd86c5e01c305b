package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;

/**
 * Something that is wrong with a file of a log.
 *
 * @param file directory and name
 * @param position byte in the file at which it begins
 * @param problem what is wrong, as the end of a sentence that began with the file
 * @param remedy what an administrator can do, in whole sentences
 */
public record LogDamage(String file, long position, String problem, String remedy) {

    /** In one line. */
    @Override
    public String toString() {
        return "log segment " + file + " is damaged at byte " + position + ": " + problem + ". " + remedy;
    }

    /** Found by what reads a log, below where it becomes STORAGE_CORRUPT or a finding. */
    static final class Found extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final transient LogDamage damage;

        Found(LogDamage damage) {
            super(damage.toString(), null, false, false);
            this.damage = damage;
        }

        LogDamage damage() {
            return damage;
        }

        EngineException corrupt() {
            return new EngineException(ErrorCode.STORAGE_CORRUPT, getMessage());
        }
    }
}
