package dev.geodesic.engine.history;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Registers and accounts as the program {@code samples/modules/simulation} keeps them; what is not there counts as 0. */
final class Registers implements Specification<Registers.State, Registers.Call, Registers.Output> {

    static final int COUNT = 3;

    record State(List<Long> registers, List<Long> balances) {

        static final State EMPTY = new State(List.of(0L, 0L, 0L), List.of(0L, 0L, 0L));

        State put(int key, long value) {
            return new State(with(registers, key, value), balances);
        }

        State deposit(int id, long amount) {
            return new State(registers, with(balances, id, balances.get(id) + amount));
        }

        private static List<Long> with(List<Long> values, int at, long value) {
            List<Long> next = new ArrayList<>(values);
            next.set(at, value);
            return List.copyOf(next);
        }
    }

    /** What is asked for. */
    sealed interface Call {

        record Put(int key, long value) implements Call {
        }

        record Add(int key, long value) implements Call {
        }

        record CompareAndSet(int key, long expected, long value) implements Call {
        }

        /** Writes a register if another one holds nothing. */
        record PutUnless(int key, long value, int other) implements Call {
        }

        record Deposit(int id, long amount) implements Call {
        }

        record Transfer(int from, int to, long amount) implements Call {
        }

        /** Gives what was there before. */
        record Swap(int key, long value) implements Call {
        }

        record ReadTwo(int a, int b) implements Call {
        }

        /** All registers, or all balances. */
        record ReadAll(boolean balances) implements Call {
        }
    }

    /**
     * What is learned.
     *
     * @param values that were read; null if none were
     * @param after everything, right after the operation; null if that is not known
     */
    record Output(boolean ok, List<Long> values, State after) {

        static final Output OK = new Output(true, null, null);
        static final Output FAILED = new Output(false, null, null);

        static Output of(Long... values) {
            return new Output(true, List.of(values), null);
        }

        static Output with(State after) {
            return new Output(true, null, after);
        }
    }

    @Override
    public State initial() {
        return State.EMPTY;
    }

    @Override
    public Optional<State> apply(State state, Call call, Optional<Output> output) {
        boolean ok = true;
        State after = state;
        List<Long> values = null;
        switch (call) {
            case Call.Put c -> after = state.put(c.key(), c.value());
            case Call.Add c -> after = state.put(c.key(), state.registers().get(c.key()) + c.value());
            case Call.CompareAndSet c -> {
                ok = state.registers().get(c.key()) == c.expected();
                after = ok ? state.put(c.key(), c.value()) : state;
            }
            case Call.PutUnless c -> {
                ok = state.registers().get(c.other()) == 0;
                after = ok ? state.put(c.key(), c.value()) : state;
            }
            case Call.Deposit c -> after = state.deposit(c.id(), c.amount());
            case Call.Transfer c -> {
                State moved = state.deposit(c.to(), c.amount()).deposit(c.from(), -c.amount());
                ok = moved.balances().get(c.from()) >= 0;
                after = ok ? moved : state;
            }
            case Call.Swap c -> {
                values = List.of(state.registers().get(c.key()));
                after = state.put(c.key(), c.value());
            }
            case Call.ReadTwo c -> values = List.of(state.registers().get(c.a()), state.registers().get(c.b()));
            case Call.ReadAll c -> values = c.balances() ? state.balances() : state.registers();
        }
        if (output.isEmpty()) {
            return Optional.of(after);
        }
        Output seen = output.get();
        boolean fits = seen.ok() == ok && (seen.values() == null || seen.values().equals(values))
                && (seen.after() == null || seen.after().equals(after));
        return fits ? Optional.of(after) : Optional.empty();
    }
}
