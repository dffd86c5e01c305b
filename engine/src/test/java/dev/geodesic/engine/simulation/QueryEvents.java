package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.query.RowBuffer;
import dev.geodesic.engine.simulation.Model.Query;
import dev.geodesic.engine.simulation.Model.Refusal;
import dev.geodesic.engine.simulation.Model.State;
import dev.geodesic.engine.simulation.Model.Table;
import dev.geodesic.protocol.message.ClientMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;

/** What clients ask and watch: subscriptions, queries, SQL, requests that are refused; and how they go. */
final class QueryEvents {

    private final Simulation life;

    QueryEvents(Simulation life) {
        this.life = life;
    }

    void subscribe(Random random, SimulatedClient client) {
        int set = 100 + random.nextInt(4);
        if (client.sets().contains(set)) {
            unsubscribe(client, set, random.nextBoolean());
            return;
        }
        List<Query> queries = new ArrayList<>();
        for (int i = 1 + random.nextInt(2); i > 0; i--) {
            queries.add(Model.QUERIES.get(random.nextInt(Model.QUERIES.size())));
        }
        life.story += " " + client + " " + queries.stream().map(Query::sql).toList();
        client.subscribe(set, queries);
        boolean refused = queries.stream().anyMatch(q ->
                q.since() > life.model.last().program() || q.event() && client.protocol.isV1());
        if (refused) {
            client.expect("subscription error");
        } else {
            client.expectSubscribed(set, queries, life.model.last(), life.model.offset());
        }
    }

    void unsubscribe(Random random, SimulatedClient client) {
        List<Integer> sets = client.sets().stream().filter(s -> s >= 100).toList();
        if (!sets.isEmpty()) {
            unsubscribe(client, sets.get(random.nextInt(sets.size())), random.nextBoolean());
        }
    }

    private void unsubscribe(SimulatedClient client, int set, boolean withRows) {
        boolean rows = withRows || client.protocol.isV1();
        life.story += " " + client + " " + set;
        client.unsubscribe(set, rows);
        client.expectUnsubscribed(set, rows, life.model.last(), life.model.offset());
    }

    void disconnect(Random random) {
        SimulatedClient client = life.pick(random);
        if (client == life.watcher) {
            return;
        }
        client.disconnect();
        Inside.settle(life.database);
        life.clients.remove(client);
        life.tell(life.model.transact(s -> life.model.disconnect(s, client.info.connection())).orElseThrow(), null);
        life.model.runDue();
    }

    void query(Random random, SimulatedClient client) {
        Query query = Model.QUERIES.get(random.nextInt(Model.QUERIES.size()));
        // What a view shows depends on who has asked for it before.
        if (query.table().equals("rich")) {
            return;
        }
        life.story += " " + client + " " + query.sql();
        int request = client.nextRequest();
        client.send(client.oneOff(request, query.sql()));
        if (query.since() > life.model.last().program()) {
            client.expect("answer " + (request & 0xff) + " failed");
        } else {
            client.expect(SimulatedClient.answer(request, query, life.model.last()), life.model.offset());
        }
    }

    void sql(Random random) {
        ClientInfo who = new ClientInfo(Simulation.PEOPLE[0], life.nextConnection(), "{}");
        int key = random.nextInt(4);
        long value = random.nextInt(4);
        switch (random.nextInt(6)) {
            case 0 -> change(who, "UPDATE register SET value = " + value + " WHERE key = " + key, s -> {
                if (s.table(Table.REGISTER).containsKey((long) key)) {
                    life.model.put(s, key, value);
                }
            });
            case 1 -> change(who, "INSERT INTO register (key, value) VALUES (" + key + ", " + value + ")", s -> {
                // An equal row is there already: nothing to do.
                if (s.table(Table.REGISTER).containsKey((long) key) && life.model.get(s, key) != value) {
                    throw Refusal.error(ErrorCode.UNIQUE_ALREADY_EXISTS.toString());
                }
                life.model.put(s, key, value);
            });
            case 2 -> change(who, "DELETE FROM entry WHERE account = " + key, s ->
                    s.table(Table.ENTRY).values().removeIf(row -> ((Model.Entry) row).account() == key));
            case 3 -> {
                if (!life.model.isLate()) {
                    change(who, "DELETE FROM job WHERE how = " + key, s ->
                            s.table(Table.JOB).values().removeIf(row -> ((Model.Job) row).how() == key));
                }
            }
            default -> {
                Query query = Model.QUERIES.get(random.nextInt(Model.QUERIES.size()));
                if (query.since() <= life.model.last().program() && !query.event()) {
                    select(who, query);
                }
            }
        }
    }

    private void change(ClientInfo who, String sql, Consumer<State> effect) {
        life.story += " " + sql;
        String seen = "ok";
        try {
            life.database.sql(who, sql);
        } catch (EngineException e) {
            seen = e.code().toString();
        }
        life.comes(who);
        String expected = "ok";
        try {
            life.model.transact(effect).ifPresent(c -> life.tell(c, null));
        } catch (Refusal e) {
            expected = e.getMessage();
        }
        life.goes(who);
        Inside.settle(life.database);
        life.model.runDue();
        if (!seen.equals(expected)) {
            throw new AssertionError(seen + " instead of " + expected);
        }
    }

    private void select(ClientInfo who, Query query) {
        life.story += " " + query.sql();
        RowBuffer rows = life.database.sql(who, query.sql()).result().rows();
        life.comes(who);
        Map<String, Integer> expected = life.model.last().answer(query);
        life.goes(who);
        Simulation.compare(rows, expected);
    }

    /** As somebody who comes to another database and goes again. */
    void select(Database other, Model its, Query query) {
        ClientInfo who = new ClientInfo(Simulation.PEOPLE[0], life.nextConnection(), "{}");
        RowBuffer rows = other.sql(who, query.sql()).result().rows();
        its.transact(s -> its.connect(s, who.connection(), who.identity()));
        Map<String, Integer> expected = its.last().answer(query);
        its.transact(s -> its.disconnect(s, who.connection()));
        Simulation.compare(rows, expected);
    }

    void badInput(Random random, SimulatedClient client) {
        switch (random.nextInt(3)) {
            case 0 -> {
                byte[] program = {0, 'a', 's', 'm', 1, 0, 0, 0};
                Simulation.refused(() -> life.server.publish(
                        new PublishRequest(Optional.of(Template.NAME), Simulation.PEOPLE[0], program, false)));
            }
            case 1 -> {
                int request = client.nextRequest();
                client.send(client.oneOff(request, "SELECT * FROM nothing"));
                client.expect("answer " + (request & 0xff) + " failed");
            }
            default -> {
                int set = 200;
                client.send(new ClientMessage.Subscribe(
                        client.kind(), client.nextRequest(), set, List.of("SELECT key FROM register WHERE value = 'x'")));
                client.expect("subscription error");
            }
        }
    }
}
