package dev.geodesic.testkit.history;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Checks a history whose answers name transactions, in the order of these: what each answer says is true at its offset, and
 * whoever began after another one had ended is not before it. One pass, whatever the number of operations.
 */
public final class OffsetOrder {

    private OffsetOrder() {
    }

    /** What is wrong; empty if nothing is. Operations without an offset must not have changed anything. */
    public static <S, I, O> Optional<String> problem(Specification<S, I, O> specification, List<Operation<I, O>> history) {
        List<Operation<I, O>> known = history.stream().filter(o -> o.offset().isPresent()).toList();
        return realTime(known).or(() -> replay(specification, known));
    }

    private static <I, O> Optional<String> realTime(List<Operation<I, O>> history) {
        List<Operation<I, O>> byBegin = history.stream().sorted(Comparator.comparingLong(Operation::invoked)).toList();
        List<Operation<I, O>> byEnd = history.stream().sorted(Comparator.comparingLong(Operation::responded)).toList();
        int ended = 0;
        Operation<I, O> latest = null;
        for (Operation<I, O> operation : byBegin) {
            while (ended < byEnd.size() && byEnd.get(ended).responded() < operation.invoked()) {
                Operation<I, O> end = byEnd.get(ended++);
                latest = latest == null || end.offset().getAsLong() > latest.offset().getAsLong() ? end : latest;
            }
            if (latest != null && operation.offset().getAsLong() < latest.offset().getAsLong()) {
                return Optional.of(operation + " began after the end of " + latest + ", and is before it");
            }
        }
        return Optional.empty();
    }

    private static <S, I, O> Optional<String> replay(Specification<S, I, O> specification, List<Operation<I, O>> history) {
        Map<Long, List<Operation<I, O>>> byOffset = history.stream().collect(
                Collectors.groupingBy(o -> o.offset().getAsLong(), TreeMap::new, Collectors.toList()));
        S state = specification.initial();
        for (List<Operation<I, O>> same : byOffset.values()) {
            Optional<S> after = transaction(specification, state, same);
            if (after.isEmpty()) {
                return Optional.of("not in " + state + ": " + same);
            }
            state = after.get();
        }
        return Optional.empty();
    }

    /** The state after the transaction that one of them was, or none, and which all others saw. */
    private static <S, I, O> Optional<S> transaction(
            Specification<S, I, O> specification, S before, List<Operation<I, O>> same) {
        for (Operation<I, O> writer : same) {
            Optional<S> after = specification.apply(before, writer.input(), writer.output());
            if (after.isPresent() && same.stream().allMatch(o -> o == writer
                    || specification.apply(after.get(), o.input(), o.output()).equals(after))) {
                return after;
            }
        }
        return Optional.empty();
    }
}
