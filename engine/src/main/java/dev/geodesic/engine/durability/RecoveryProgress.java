package dev.geodesic.engine.durability;

import java.util.Locale;

/**
 * How far the recovery of a database has come.
 *
 * @param done bytes of the snapshot, or transactions of the log
 * @param total of how many; -1 if nobody knows
 * @param perSecond of the same, since the phase began
 */
public record RecoveryProgress(Phase phase, long done, long total, double perSecond) {

    /** What is being done. */
    public enum Phase {
        LOADING_SNAPSHOT("loading a snapshot", "bytes"),
        REPLAYING_LOG("replaying the log", "transactions");

        private final String text;
        private final String unit;

        Phase(String text, String unit) {
            this.text = text;
            this.unit = unit;
        }
    }

    /** For an operator. */
    public String text() {
        return String.format(
                Locale.ROOT, "%s: %d%s %s, %.0f a second", phase.text, done, total < 0 ? "" : " of " + total, phase.unit,
                perSecond);
    }
}
