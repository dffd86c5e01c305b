package dev.geodesic.engine.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Seeds;
import dev.geodesic.testkit.history.OffsetOrder;
import dev.geodesic.testkit.history.Operation;
import dev.geodesic.testkit.history.Registers;
import dev.geodesic.testkit.history.Registers.Call;
import dev.geodesic.testkit.history.Registers.Output;
import dev.geodesic.testkit.history.SerialOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The checkers find what they are made for, and do not object to what is right. */
class SerialOrderTest {

    private static final Registers REGISTERS = new Registers();

    private static Operation<Call, Output> op(long from, long to, Call call, Output output) {
        return new Operation<>("a", call, output, from, to);
    }

    private static Call put(int key, long value) {
        return new Call.Put(key, value);
    }

    private static Call read(int a, int b) {
        return new Call.ReadTwo(a, b);
    }

    @SafeVarargs
    @SuppressWarnings("varargs")
    private static void good(Operation<Call, Output>... history) {
        SerialOrder.Result<Call, Output> result = SerialOrder.find(REGISTERS, List.of(history));
        assertTrue(result.isSerialisable(), result::toString);
    }

    @SafeVarargs
    @SuppressWarnings("varargs")
    private static void bad(Operation<Call, Output>... history) {
        SerialOrder.Result<Call, Output> result = SerialOrder.find(REGISTERS, List.of(history));
        assertFalse(result.isSerialisable(), result::toString);
    }

    @Test
    void oneAfterTheOther() {
        good();
        good(op(0, 1, put(0, 5), Output.OK), op(2, 3, read(0, 1), Output.of(5L, 0L)));
    }

    @Test
    void whatOverlapsMayBeInAnyOrder() {
        good(op(0, 10, put(0, 5), Output.OK), op(1, 9, put(0, 6), Output.OK), op(11, 12, read(0, 0), Output.of(5L, 5L)));
        good(op(0, 10, put(0, 5), Output.OK), op(1, 9, put(0, 6), Output.OK), op(11, 12, read(0, 0), Output.of(6L, 6L)));
        bad(op(0, 10, put(0, 5), Output.OK), op(1, 9, put(0, 6), Output.OK), op(11, 12, read(0, 0), Output.of(5L, 6L)));
    }

    @Test
    void staleRead() {
        bad(op(0, 1, put(0, 5), Output.OK), op(2, 3, read(0, 0), Output.of(0L, 0L)));
    }

    @Test
    void futureRead() {
        bad(op(0, 1, read(0, 0), Output.of(5L, 5L)), op(2, 3, put(0, 5), Output.OK));
    }

    @Test
    void nonMonotonicRead() {
        bad(op(0, 10, put(0, 5), Output.OK), op(1, 2, read(0, 0), Output.of(5L, 5L)), op(3, 4, read(0, 0), Output.of(0L, 0L)));
        good(op(0, 10, put(0, 5), Output.OK), op(1, 2, read(0, 0), Output.of(0L, 0L)), op(3, 4, read(0, 0), Output.of(5L, 5L)));
    }

    @Test
    void lostUpdate() {
        bad(op(0, 5, new Call.Add(0, 1), Output.OK), op(1, 6, new Call.Add(0, 1), Output.OK),
                op(7, 8, read(0, 0), Output.of(1L, 1L)));
        bad(op(0, 5, new Call.Swap(0, 1), Output.of(0L)), op(1, 6, new Call.Swap(0, 2), Output.of(0L)));
        good(op(0, 5, new Call.Swap(0, 1), Output.of(2L)), op(1, 6, new Call.Swap(0, 2), Output.of(0L)));
    }

    @Test
    void writeSkew() {
        bad(op(0, 5, new Call.PutUnless(0, 1, 1), Output.OK), op(1, 6, new Call.PutUnless(1, 1, 0), Output.OK));
        good(op(0, 5, new Call.PutUnless(0, 1, 1), Output.OK), op(1, 6, new Call.PutUnless(1, 1, 0), Output.FAILED));
        bad(op(0, 1, new Call.PutUnless(0, 1, 1), Output.FAILED));
    }

    @Test
    void twoReadersMustAgreeOnTheOrder() {
        bad(op(0, 9, put(0, 1), Output.OK), op(0, 9, put(1, 1), Output.OK),
                op(1, 8, read(0, 1), Output.of(1L, 0L)), op(1, 8, read(0, 1), Output.of(0L, 1L)));
    }

    @Test
    void aFailedCallLeavesNothing() {
        bad(op(0, 1, new Call.Transfer(0, 1, 5), Output.FAILED), op(2, 3, new Call.ReadAll(true), Output.of(0L, 5L, 0L)));
        good(op(0, 1, new Call.Transfer(0, 1, 5), Output.FAILED), op(2, 3, new Call.ReadAll(true), Output.of(0L, 0L, 0L)));
    }

    @Test
    void anUnknownOutcomeMayHaveHappenedOrNot() {
        Operation<Call, Output> unknown = Operation.unknown("b", put(0, 7), 5);
        good(unknown, op(6, 7, read(0, 0), Output.of(7L, 7L)));
        good(unknown, op(6, 7, read(0, 0), Output.of(0L, 0L)));
        good(unknown, op(6, 7, read(0, 0), Output.of(0L, 0L)), op(8, 9, read(0, 0), Output.of(7L, 7L)));
        bad(unknown, op(6, 7, read(0, 0), Output.of(7L, 7L)), op(8, 9, read(0, 0), Output.of(0L, 0L)));
        bad(unknown, op(3, 4, read(0, 0), Output.of(7L, 7L)));
        // Once at most.
        bad(Operation.unknown("b", new Call.Add(0, 1), 1), op(6, 7, read(0, 0), Output.of(2L, 2L)));
    }

    @Test
    void whatACallerSeesAfterItsOwnCallIsPartOfIt() {
        Registers.State both = Registers.State.EMPTY.put(0, 1).put(1, 1);
        good(op(0, 9, put(0, 1), Output.OK), op(1, 8, put(1, 1), Output.with(both)));
        bad(op(0, 1, put(0, 1), Output.OK), op(2, 3, put(1, 1), Output.with(Registers.State.EMPTY.put(1, 1))));
    }

    @Test
    void offsetsMustFitTimeAndContents() {
        Operation<Call, Output> first = op(0, 1, put(0, 5), Output.OK).at(3);
        assertEquals(Optional.empty(), OffsetOrder.problem(REGISTERS, List.of(
                first, op(2, 3, read(0, 1), Output.of(5L, 0L)).at(3), op(2, 9, put(1, 4), Output.OK).at(7),
                op(8, 9, read(0, 1), Output.of(5L, 4L)).at(9))));
        // Before what had ended, and with what was not there then.
        assertTrue(OffsetOrder.problem(REGISTERS, List.of(first, op(2, 3, read(0, 1), Output.of(0L, 0L)).at(2))).isPresent());
        assertTrue(OffsetOrder.problem(REGISTERS, List.of(first, op(0, 3, read(0, 1), Output.of(5L, 0L)).at(2))).isPresent());
        assertTrue(OffsetOrder.problem(REGISTERS, List.of(first, op(0, 3, read(0, 1), Output.of(0L, 0L)).at(3))).isPresent());
        assertTrue(OffsetOrder.problem(REGISTERS, List.of(first, op(0, 3, put(1, 5), Output.OK).at(3))).isPresent());
    }

    /** Against trying all permutations. */
    @Test
    void agreesWithBruteForce() {
        int[] serialisable = {0};
        Seeds.repeat(400, random -> {
            List<Operation<Call, Output>> history = random(random);
            boolean expected = permuted(Registers.State.EMPTY, history, new boolean[history.size()]);
            SerialOrder.Result<Call, Output> result = SerialOrder.find(REGISTERS, history);
            assertEquals(expected, result.isSerialisable(), result::toString);
            serialisable[0] += expected ? 1 : 0;
        });
        assertTrue(serialisable[0] > 20 && serialisable[0] < 380, "both kinds: " + serialisable[0]);
    }

    private static List<Operation<Call, Output>> random(Random random) {
        List<Operation<Call, Output>> history = new ArrayList<>();
        for (int i = 1 + random.nextInt(6); i > 0; i--) {
            long from = random.nextInt(12);
            int key = random.nextInt(2);
            long value = random.nextInt(2);
            Call call = random.nextBoolean() ? new Call.Swap(key, value) : new Call.CompareAndSet(key, value, 1 - value);
            history.add(random.nextInt(5) == 0
                    ? Operation.unknown("u", call, from)
                    : op(from, from + random.nextInt(8), call, call instanceof Call.Swap
                            ? Output.of((long) random.nextInt(2))
                            : random.nextBoolean() ? Output.OK : Output.FAILED));
        }
        return history;
    }

    private static boolean permuted(Registers.State state, List<Operation<Call, Output>> history, boolean[] done) {
        boolean complete = true;
        for (int i = 0; i < done.length; i++) {
            complete &= done[i] || history.get(i).output().isEmpty();
        }
        if (complete) {
            return true;
        }
        for (int i = 0; i < done.length; i++) {
            long begin = history.get(i).invoked();
            boolean mayBeNext = !done[i];
            for (int k = 0; k < done.length; k++) {
                mayBeNext &= done[k] || k == i || history.get(k).responded() >= begin;
            }
            if (mayBeNext) {
                Optional<Registers.State> after =
                        REGISTERS.apply(state, history.get(i).input(), history.get(i).output());
                boolean[] more = Arrays.copyOf(done, done.length);
                more[i] = true;
                if (after.isPresent() && permuted(after.get(), history, more)) {
                    return true;
                }
            }
        }
        return false;
    }
}
