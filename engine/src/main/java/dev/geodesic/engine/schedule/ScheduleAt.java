package dev.geodesic.engine.schedule;

/** When a row is due. All times are microseconds since the epoch, all durations microseconds (spec/bsatn.md section 3). */
public sealed interface ScheduleAt {

    /** When a row that is armed at {@code base} is due for the first time. */
    long firstDue(long base);

    /** Once, at this time; at once if it has passed. */
    record Time(long micros) implements ScheduleAt {

        @Override
        public long firstDue(long base) {
            return micros;
        }
    }

    /** Again and again; a negative one counts as its magnitude (spec/execution.md 5.1). */
    record Interval(long micros) implements ScheduleAt {

        long length() {
            return micros == Long.MIN_VALUE ? Long.MAX_VALUE : Math.abs(micros);
        }

        @Override
        public long firstDue(long base) {
            return saturatedAdd(base, length());
        }

        /**
         * The tick behind one that was meant for {@code last}: on the grid of the earlier ones, the first after
         * {@code now}. What was missed is not made up (spec/execution.md 5.4).
         */
        public long nextDue(long last, long now) {
            long length = length();
            if (length == 0) {
                return Math.max(last, now);
            }
            if (last > now) {
                return saturatedAdd(last, length);
            }
            // Unsigned: the distance of two times may not fit into a signed number.
            long missed = Long.remainderUnsigned(now - last, length);
            return saturatedAdd(now, length - missed);
        }

        private static long saturatedAdd(long a, long b) {
            long sum = a + b;
            return sum < a ? Long.MAX_VALUE : sum;
        }
    }
}
