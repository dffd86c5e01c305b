package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.CallAnswer;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.SqlAnswer;
import dev.geodesic.engine.simulation.Model.Commit;
import dev.geodesic.engine.simulation.Model.Query;
import dev.geodesic.engine.simulation.Model.Refusal;
import dev.geodesic.engine.simulation.Model.State;
import dev.geodesic.engine.simulation.Model.Table;
import dev.geodesic.engine.simulation.SimulatedClient.Values;
import dev.geodesic.protocol.Subprotocol;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.sats.ConnectionId;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** Calls of reducers and procedures, alone, in batches, over HTTP, and with reads beside them. */
final class CallEvents {

    private final Simulation life;

    CallEvents(Simulation life) {
        this.life = life;
    }

    void call(Random random, SimulatedClient client) {
        send(client, List.of(life.workload.someCall(random)));
        life.model.runDue();
    }

    /** Several calls in one payload, of a client that may do that. */
    void batch(Random random) {
        Optional<SimulatedClient> client =
                life.clients.stream().filter(c -> c.protocol == Subprotocol.V3).findFirst();
        // A scheduled call would come in between, and nobody can say where.
        if (client.isPresent() && !life.model.isLate()) {
            List<Workload.Call> calls = new ArrayList<>();
            for (int i = 2 + random.nextInt(4); i > 0; i--) {
                calls.add(life.workload.someCallWithoutSchedules(random));
            }
            send(client.get(), calls);
        }
    }

    private void send(SimulatedClient client, List<Workload.Call> calls) {
        List<ClientMessage> messages = new ArrayList<>();
        List<Integer> requests = new ArrayList<>();
        life.story += " " + client;
        for (Workload.Call call : calls) {
            life.story += " " + call.reducer() + call.arguments().json();
            requests.add(client.nextRequest());
            messages.add(new ClientMessage.CallReducer(
                    call.reducer(), client.arguments(call.arguments()), requests.getLast(), true));
        }
        client.sendTogether(messages);
        for (int i = 0; i < calls.size(); i++) {
            expectResult(client, calls.get(i), requests.get(i));
        }
    }

    private void expectResult(SimulatedClient client, Workload.Call call, int request) {
        try {
            Optional<Commit> commit = life.model.transact(call.effect());
            commit.ifPresent(c -> life.tell(c, client));
            client.expect("result " + request + " ok" + commit.map(client::delta).orElse(""), life.model.offset());
        } catch (Refusal e) {
            client.expect("result " + request + " failed " + (e.isPanic() ? CallResult.FATAL_ERROR : e.getMessage()));
        }
    }

    /**
     * A SELECT on a thread of its own while the writer makes changes. What it finds must be the state of some moment between
     * its beginning and its end, and the one that it names; when its connection goes is read from the log.
     */
    void readBesideWriter(Random random) throws InterruptedException {
        Query query = Model.QUERIES.get(random.nextInt(Model.QUERIES.size()));
        if (life.model.isLate() || query.event() || query.since() > life.model.last().program()
                || query.table().equals("rich") || query.table().equals(Table.VISIT.sql())) {
            return;
        }
        life.story += " " + query.sql();
        ClientInfo who = new ClientInfo(Simulation.PEOPLE[0], life.nextConnection(), "{}");
        CompletableFuture<SqlAnswer> reading = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("reader of the simulation").start(() -> {
            try {
                reading.complete(life.database.sql(who, query.sql()));
            } catch (Throwable e) {
                reading.completeExceptionally(e);
            }
        });
        life.logs.database().awaitRecords(recordsOf(life.model.offset() + 1));
        life.comes(who);
        long from = life.model.offset();
        SimulatedClient client = life.pick(random);
        List<Workload.Call> calls = new ArrayList<>();
        List<Integer> requests = new ArrayList<>();
        for (int i = 1 + random.nextInt(6); i > 0; i--) {
            Workload.Call call = life.workload.someChange(random);
            life.story += " " + client + " " + call.reducer() + call.arguments().json();
            calls.add(call);
            requests.add(client.nextRequest());
            client.send(new ClientMessage.CallReducer(
                    call.reducer(), client.arguments(call.arguments()), requests.getLast(), true));
        }
        SqlAnswer answer = reading.join();
        Inside.settle(life.database);
        long gone = goneAt(who.connection(), from + 1);
        boolean left = false;
        for (int i = 0; i < calls.size(); i++) {
            if (!left && life.model.offset() + 1 == gone) {
                life.goes(who);
                left = true;
            }
            expectResult(client, calls.get(i), requests.get(i));
        }
        if (!left) {
            life.goes(who);
        }
        life.story += " read:" + answer.txOffset();
        Simulation.compare(answer.result().rows(), moment(answer.txOffset(), from).answer(query));
    }

    /** Who is connected is no data: a read may name a transaction before those of its own connection. */
    private State moment(long offset, long from) {
        if (offset > life.model.offset()) {
            throw new AssertionError("a read of the future: " + offset + " behind " + life.model.offset());
        }
        return life.model.at(Math.max(offset, from - 1));
    }

    private int recordsOf(long lastOffset) {
        return (int) (lastOffset + 1 - life.logs.database().recovered());
    }

    /** Offset of the transaction, from one on, that speaks of a connection. */
    private long goneAt(ConnectionId connection, long from) {
        List<byte[]> records = life.logs.database().records();
        for (int i = recordsOf(from) - 1; i < records.size(); i++) {
            if (names(records.get(i), connection)) {
                return life.logs.database().recovered() + i;
            }
        }
        throw new AssertionError("not disconnected: " + connection);
    }

    static boolean names(byte[] record, ConnectionId connection) {
        byte[] bytes = new byte[ConnectionId.BYTE_COUNT];
        connection.toLittleEndian(bytes, 0);
        return HexFormat.of().formatHex(record).contains(HexFormat.of().formatHex(bytes));
    }

    /** A call over HTTP comes, calls and goes. */
    void request(Random random) {
        Workload.Call call = life.workload.someCall(random);
        ClientInfo who = new ClientInfo(Simulation.PEOPLE[random.nextInt(Simulation.PEOPLE.length)], life.nextConnection(), "{}");
        life.story += " " + call.reducer() + call.arguments().json();
        CallResult result = Simulation.join(() -> life.database.call(
                who, call.reducer(), new Arguments.Json(call.arguments().json())).join());
        life.comes(who);
        String expected = "ok";
        try {
            life.model.transact(call.effect()).ifPresent(c -> life.tell(c, null));
        } catch (Refusal e) {
            expected = e.isPanic() ? CallResult.FATAL_ERROR : e.getMessage();
        }
        life.goes(who);
        life.model.runDue();
        String seen = switch (result) {
            case CallResult.Committed committed -> "ok";
            case CallResult.Failed failed -> failed.message();
            case CallResult.Trapped trapped -> trapped.message();
            case CallResult other -> other.toString();
        };
        if (!seen.equals(expected)) {
            throw new AssertionError(seen + " instead of " + expected);
        }
    }

    void procedure(Random random) throws InterruptedException {
        int key = random.nextInt(4);
        long value = random.nextInt(4);
        int how = random.nextInt(3);
        boolean swap = random.nextBoolean();
        String name = swap ? "swap" : "two_steps";
        Values arguments = swap ? Values.of(key, value) : Values.of(key, value, (byte) how);
        SimulatedClient client = life.pick(random);
        life.story += " " + client + " " + name + arguments.json();
        if (client.confirmed) {
            ClientInfo who = new ClientInfo(client.info.identity(), life.nextConnection(), "{}");
            String seen;
            try {
                seen = Simulation.join(() -> life.database.callFunction(who, name, new Arguments.Json(arguments.json())).join())
                        instanceof CallAnswer.OfProcedure returned ? returned.json() : "a reducer";
            } catch (EngineException e) {
                seen = e.code().toString();
            }
            life.comes(who);
            Optional<Long> result = transactions(swap, key, value, how);
            life.goes(who);
            String expected = result.map(Object::toString).orElse(ErrorCode.PROCEDURE_FAILED.toString());
            if (!seen.equals(expected)) {
                throw new AssertionError(seen + " instead of " + expected);
            }
            return;
        }
        int request = client.nextRequest();
        client.procedure(new ClientMessage.CallProcedure(name, client.arguments(arguments), request));
        long depends = life.model.offset();
        Optional<Long> result = transactions(swap, key, value, how);
        String text = result.map(r -> client.protocol.isText() ? r.toString()
                : HexFormat.of().formatHex((swap ? Values.of(r) : Values.of((int) (long) r)).bsatn())).orElse("failed");
        client.expect("returned " + request + " " + text, Math.max(depends, life.model.offset()));
    }

    /** Runs the procedure's transactions; empty if it fails. */
    private Optional<Long> transactions(boolean swap, int key, long value, int how) {
        long old = life.model.get(life.model.last(), key);
        life.model.transact(s -> life.model.put(s, key, value)).ifPresent(c -> life.tell(c, null));
        if (swap) {
            return Optional.of(old);
        }
        if (how == 0) {
            life.model.transact(s -> life.model.put(s, key + 1, value)).ifPresent(c -> life.tell(c, null));
        }
        return how == 2 ? Optional.empty() : Optional.of(how == 0 ? 2L : 1L);
    }
}
