package dev.geodesic.testkit.history;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Registers and accounts as the program {@code samples/modules/simulation} keeps them; what is not there counts as 0. */
public final class Registers implements Specification<Registers.State, Registers.Call, Registers.Output> {

    public static final int COUNT = 3;

    /** Everything at one moment. */
    public record State(List<Long> registers, List<Long> balances) {

        public static final State EMPTY = new State(List.of(0L, 0L, 0L), List.of(0L, 0L, 0L));

        public State put(int key, long value) {
            return new State(with(registers, key, value), balances);
        }

        public State deposit(int id, long amount) {
            return new State(registers, with(balances, id, balances.get(id) + amount));
        }

        private static List<Long> with(List<Long> values, int at, long value) {
            List<Long> next = new ArrayList<>(values);
            next.set(at, value);
            return List.copyOf(next);
        }
    }

    /** What is asked for. */
    public sealed interface Call {

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
    public record Output(boolean ok, List<Long> values, State after) {

        public static final Output OK = new Output(true, null, null);
        public static final Output FAILED = new Output(false, null, null);

        public static Output of(Long... values) {
            return new Output(true, List.of(values), null);
        }

        public static Output with(State after) {
            return new Output(true, null, after);
        }
    }

    /** @param arguments of the program's function: Integer is u32, Long is u64 */
    public record Invocation(String function, List<Object> arguments) {

        private static Invocation of(String function, Object... arguments) {
            return new Invocation(function, List.of(arguments));
        }

        public String json() {
            return arguments.toString();
        }
    }

    /** How the program is asked for it. {@code ReadAll} is nothing that it does. */
    public static Invocation invocation(Call call) {
        return switch (call) {
            case Call.Put c -> Invocation.of("put", c.key(), c.value());
            case Call.Add c -> Invocation.of("add", c.key(), c.value());
            case Call.CompareAndSet c -> Invocation.of("compare_and_set", c.key(), c.expected(), c.value());
            case Call.PutUnless c -> Invocation.of("put_unless", c.key(), c.value(), c.other());
            case Call.Deposit c -> Invocation.of("deposit", c.id(), c.amount());
            case Call.Transfer c -> Invocation.of("transfer", c.from(), c.to(), c.amount());
            case Call.Swap c -> Invocation.of("swap", c.key(), c.value());
            case Call.ReadTwo c -> Invocation.of("read_two", c.a(), c.b());
            case Call.ReadAll c -> throw new IllegalArgumentException(c.toString());
        };
    }

    /** A call of a reducer; values are small, so that much of it depends on what others did. */
    public static Call someReducer(Random random) {
        int a = random.nextInt(COUNT);
        int b = random.nextInt(COUNT);
        long value = random.nextInt(4);
        return switch (random.nextInt(7)) {
            case 0 -> new Call.Put(a, value);
            case 1 -> new Call.Add(a, 1);
            case 2 -> new Call.CompareAndSet(a, random.nextInt(4), value);
            case 3 -> new Call.PutUnless(a, value, b);
            case 4 -> new Call.Deposit(a, 1 + value);
            case 5 -> new Call.Put(a, 0);
            default -> new Call.Transfer(a, b, 1 + value);
        };
    }

    /** A call of a procedure. */
    public static Call someProcedure(Random random) {
        return random.nextBoolean() ? new Call.Swap(random.nextInt(COUNT), random.nextInt(4))
                : new Call.ReadTwo(random.nextInt(COUNT), random.nextInt(COUNT));
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
