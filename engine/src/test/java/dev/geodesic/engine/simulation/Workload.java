package dev.geodesic.engine.simulation;

import dev.geodesic.engine.simulation.Model.At;
import dev.geodesic.engine.simulation.Model.Refusal;
import dev.geodesic.engine.simulation.Model.State;
import dev.geodesic.engine.simulation.Model.Table;
import dev.geodesic.engine.simulation.SimulatedClient.Values;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** What clients ask the program to do, and what comes of it in the model. */
final class Workload {

    private static final int JOBS_MAX = 5;

    private final Model model;
    private long labels;

    Workload(Model model) {
        this.model = model;
    }

    /** A call of a reducer, and what it does. */
    record Call(String reducer, Values arguments, Consumer<State> effect) {
    }

    /** Certainly makes a transaction that is logged, and is nothing to the scheduler. */
    Call someChange(Random random) {
        while (true) {
            Call call = someCall(random);
            if (call.reducer().equals("record") || call.reducer().equals("emit")) {
                return call;
            }
        }
    }

    /** Nothing to the scheduler. */
    Call someCallWithoutSchedules(Random random) {
        while (true) {
            Call call = someCall(random);
            if (!List.of("arm", "send", "disarm").contains(call.reducer())) {
                return call;
            }
        }
    }

    Call someCall(Random random) {
        int key = random.nextInt(4);
        long value = random.nextInt(4);
        int account = random.nextInt(3);
        long now = model.now();
        return switch (random.nextInt(16)) {
            case 0 -> new Call("put", Values.of(key, value), s -> model.put(s, key, value));
            case 1 -> new Call("add", Values.of(key, value), s -> model.put(s, key, model.get(s, key) + value));
            case 2 -> new Call("remove", Values.of(key), s -> s.table(Table.REGISTER).remove((long) key));
            case 3 -> {
                long expected = random.nextInt(4);
                yield new Call("compare_and_set", Values.of(key, expected, value), s -> {
                    if (model.get(s, key) != expected) {
                        throw Refusal.error("another value");
                    }
                    model.put(s, key, value);
                });
            }
            case 4, 5 -> {
                long amount = random.nextInt(60);
                yield new Call("deposit", Values.of(account, amount), s -> model.deposit(s, account, amount));
            }
            case 6 -> {
                int to = random.nextInt(3);
                long amount = random.nextInt(60);
                yield new Call("transfer", Values.of(account, to, amount), s -> {
                    model.deposit(s, to, amount);
                    model.deposit(s, account, -amount);
                    if (s.find(Table.ACCOUNT, account, Model.Account.class).orElseThrow().balance() < 0) {
                        throw Refusal.error("not enough");
                    }
                });
            }
            case 7, 8 -> {
                int count = 1 + random.nextInt(3);
                yield new Call("record", Values.of(account, value, count), s -> model.record(s, account, value, count, now));
            }
            case 9 -> {
                boolean panic = random.nextBoolean();
                int count = random.nextInt(8) == 0 ? 5000 : 1 + random.nextInt(3);
                yield new Call("record_and_fail", Values.of(account, count, panic), s -> {
                    model.record(s, account, 0, count, now);
                    throw panic ? Refusal.panic() : Refusal.error("as asked");
                });
            }
            case 10 -> new Call("forget", Values.of(account), s ->
                    s.table(Table.ENTRY).values().removeIf(row -> ((Model.Entry) row).account() == account));
            case 11 -> new Call("emit", Values.of(value), s -> s.sparks().add(new Model.Spark(value)));
            case 12, 13 -> arm(random);
            case 14 -> {
                int other = random.nextInt(4);
                yield new Call("put_unless", Values.of(key, value, other), s -> {
                    if (model.get(s, other) != 0) {
                        throw Refusal.error("the other one is taken");
                    }
                    model.put(s, key, value);
                });
            }
            default -> model.last().program() == 0 ? someCall(random)
                    : new Call("put_extra", Values.of(key, value), s ->
                            s.table(Table.EXTRA).put((long) key, new Model.Register(key, value)));
        };
    }

    private Call arm(Random random) {
        Table table = random.nextInt(3) > 0 ? Table.JOB : Table.ERRAND;
        List<Long> known = model.last().all(Table.JOB, Model.Job.class).stream().map(Model.Job::label).toList();
        if (known.size() + model.last().table(Table.ERRAND).size() >= JOBS_MAX && !known.isEmpty()) {
            long label = known.get(random.nextInt(known.size()));
            return new Call("disarm", Values.of(label), s ->
                    s.table(Table.JOB).values().removeIf(row -> ((Model.Job) row).label() == label));
        }
        // No two are due at the same time.
        long label = ++labels;
        At at = random.nextInt(3) == 0
                ? new At(true, Model.SECOND + random.nextInt(9) * Model.SECOND + label)
                : new At(false, (model.now() + random.nextLong(8 * Model.SECOND) - 2 * Model.SECOND) / 1000 * 1000 + label);
        int how = random.nextInt(table == Table.JOB ? 5 : 3);
        return new Call(table == Table.JOB ? "arm" : "send", Values.of(at, label, (byte) how), s ->
                model.arm(s, table, at, label, how));
    }
}
