package dev.geodesic.testkit.history;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Looks for an order of operations, one after the other, that explains all answers and keeps those in order of which one had
 * ended before the other began: strict serialisability. The search is that of Wing and Gong with the memory of Lowe: what has
 * been done and the state it led to is never looked at twice. Operations of unknown outcome may be left out.
 *
 * <p>It knows nothing of how the server orders transactions. The time it takes can grow fast with the number of operations
 * that overlap.
 */
public final class SerialOrder {

    private SerialOrder() {
    }

    /** A beginning, with its end behind it, or an end. */
    private static final class Event {

        private final int operation;
        private final boolean isBegin;
        private Event end;
        private Event before;
        private Event next;

        Event(int operation, boolean isBegin) {
            this.operation = operation;
            this.isBegin = isBegin;
        }

        void unlink() {
            before.next = next;
            if (next != null) {
                next.before = before;
            }
        }

        void link() {
            before.next = this;
            if (next != null) {
                next.before = this;
            }
        }
    }

    private record Visited<S>(BitSet done, S state) {
    }

    private record Step<S>(Event event, S before) {
    }

    /**
     * How far the search came.
     *
     * @param order operations in an order that explains them; the longest that was found if there is none for all
     * @param unexplained operations with an answer that are not in the order; empty if the history is serialisable
     */
    public record Result<I, O>(List<Operation<I, O>> order, List<Operation<I, O>> unexplained) {

        public boolean isSerialisable() {
            return unexplained.isEmpty();
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            order.forEach(o -> text.append("    ").append(o).append('\n'));
            if (!unexplained.isEmpty()) {
                text.append("and then none of\n");
                unexplained.forEach(o -> text.append("    ").append(o).append('\n'));
            }
            return text.toString();
        }
    }

    /** The outcome for operations in any order. */
    public static <S, I, O> Result<I, O> find(Specification<S, I, O> specification, List<Operation<I, O>> history) {
        Event head = events(history);
        int open = (int) history.stream().filter(o -> o.output().isPresent()).count();
        Set<Visited<S>> visited = new HashSet<>();
        Deque<Step<S>> steps = new ArrayDeque<>();
        List<Integer> longest = List.of();
        BitSet done = new BitSet();
        S state = specification.initial();
        Event event = head.next;
        while (open > 0) {
            if (event != null && event.isBegin) {
                Operation<I, O> operation = history.get(event.operation);
                Optional<S> after = specification.apply(state, operation.input(), operation.output());
                if (after.isPresent()) {
                    BitSet more = (BitSet) done.clone();
                    more.set(event.operation);
                    if (visited.add(new Visited<>(more, after.get()))) {
                        steps.push(new Step<>(event, state));
                        state = after.get();
                        done = more;
                        event.unlink();
                        if (event.end != null) {
                            event.end.unlink();
                            open--;
                        }
                        event = head.next;
                        continue;
                    }
                }
                event = event.next;
                continue;
            }
            // Something has ended that is not explained yet: another choice must be made before.
            if (steps.size() > longest.size()) {
                longest = steps.reversed().stream().map(s -> s.event().operation).toList();
            }
            if (steps.isEmpty()) {
                return result(history, longest);
            }
            Step<S> last = steps.pop();
            state = last.before();
            event = last.event();
            done = (BitSet) done.clone();
            done.clear(event.operation);
            if (event.end != null) {
                event.end.link();
                open++;
            }
            event.link();
            event = event.next;
        }
        return result(history, steps.reversed().stream().map(s -> s.event().operation).toList());
    }

    private static <I, O> Result<I, O> result(List<Operation<I, O>> history, List<Integer> order) {
        List<Operation<I, O>> left = new ArrayList<>();
        for (int i = 0; i < history.size(); i++) {
            if (!order.contains(i) && history.get(i).output().isPresent()) {
                left.add(history.get(i));
            }
        }
        return new Result<>(order.stream().map(history::get).toList(), left);
    }

    /** The list of beginnings and ends in the order of time, behind an empty head; at the same time, beginnings come first. */
    private static <I, O> Event events(List<Operation<I, O>> history) {
        record Timed(long time, Event event) {
        }
        List<Timed> all = new ArrayList<>();
        for (int i = 0; i < history.size(); i++) {
            Operation<I, O> operation = history.get(i);
            Event begin = new Event(i, true);
            all.add(new Timed(operation.invoked(), begin));
            if (operation.output().isPresent()) {
                begin.end = new Event(i, false);
                all.add(new Timed(operation.responded(), begin.end));
            }
        }
        all.sort(Comparator.comparingLong(Timed::time).thenComparing(t -> !t.event().isBegin));
        Event head = new Event(-1, false);
        Event last = head;
        for (Timed timed : all) {
            last.next = timed.event();
            timed.event().before = last;
            last = timed.event();
        }
        return head;
    }
}
