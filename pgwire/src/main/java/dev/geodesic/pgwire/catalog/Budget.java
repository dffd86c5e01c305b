package dev.geodesic.pgwire.catalog;

import dev.geodesic.pgwire.message.PgException;

/** Bounds the work of one query, so that no query, pattern or product of joins can keep a thread. Not thread-safe. */
final class Budget {

    private static final long STEPS_MAX = 20_000_000;
    private static final long KEPT_MAX = 2_000_000;

    private long steps;
    private long kept;

    /** Errors: 54000 once there were too many. */
    void step() {
        if (++steps > STEPS_MAX) {
            throw tooMuch();
        }
    }

    /** As {@link #step}, for values that stay in memory. */
    void keep(long values) {
        kept += values;
        if (kept > KEPT_MAX) {
            throw tooMuch();
        }
    }

    private static PgException tooMuch() {
        return PgException.error("54000", "the query on the catalogue takes too much work");
    }

    /** Text whose every look at a character counts: patterns may go back and forth without end. */
    CharSequence counted(String text) {
        return new CharSequence() {
            @Override
            public int length() {
                return text.length();
            }

            @Override
            public char charAt(int index) {
                step();
                return text.charAt(index);
            }

            @Override
            public CharSequence subSequence(int start, int end) {
                return counted(text.substring(start, end));
            }

            @Override
            public String toString() {
                return text;
            }
        };
    }
}
