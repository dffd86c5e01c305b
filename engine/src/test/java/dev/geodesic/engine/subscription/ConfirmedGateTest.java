package dev.geodesic.engine.subscription;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.testkit.Await;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Confirmed reads (spec/websocket.md section 9): who waits, for what, and in which order. */
class ConfirmedGateTest {

    /** Keeps the request ids that it is sent. */
    private static final class Inbox implements ClientSink {

        private final List<Integer> got = new ArrayList<>();
        private final List<CloseReason> closed = new ArrayList<>();

        @Override
        public void send(ServerMessage message) {
            assertTrue(closed.isEmpty(), "nothing follows a close");
            got.add(((ServerMessage.TransactionUpdate) message).requestId());
        }

        @Override
        public void close(CloseReason reason) {
            closed.add(reason);
        }
    }

    private static ServerMessage message(int id) {
        return new ServerMessage.TransactionUpdate(id, List.of());
    }

    private record Sent(int id, long dependsOn) {
    }

    @Test
    @Proves("durability.md 4")
    @Proves("durability.md 5")
    @Proves("websocket.md 9")
    void everyConnectionGetsEverythingInOrderAndNothingTooEarly() {
        Seeds.repeat(300, random -> {
            ConfirmedGate gate = new ConfirmedGate(-1);
            int count = 1 + random.nextInt(5);
            List<Inbox> inboxes = new ArrayList<>();
            List<ConfirmedGate.Lane> lanes = new ArrayList<>();
            List<List<Sent>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                inboxes.add(new Inbox());
                lanes.add(gate.lane(inboxes.get(i)));
                sent.add(new ArrayList<>());
            }
            long[] dependsOn = new long[count];
            Arrays.fill(dependsOn, -1);
            long committed = -1;
            long durable = -1;
            int ids = 0;
            for (int step = 0; step < 200; step++) {
                switch (random.nextInt(6)) {
                    case 0, 1 -> committed++;
                    case 2 -> {
                        durable += random.nextInt((int) (committed - durable) + 1);
                        gate.durable(durable);
                    }
                    default -> {
                        int lane = random.nextInt(count);
                        // An error says nothing about transactions: it depends on what came before it.
                        if (random.nextInt(4) > 0) {
                            dependsOn[lane] = committed;
                            lanes.get(lane).dependsOn(committed);
                        }
                        sent.get(lane).add(new Sent(ids, dependsOn[lane]));
                        lanes.get(lane).send(message(ids++));
                    }
                }
                for (int lane = 0; lane < count; lane++) {
                    List<Integer> got = inboxes.get(lane).got;
                    List<Sent> all = sent.get(lane);
                    assertEquals(all.subList(0, got.size()).stream().map(Sent::id).toList(), got, "order");
                    long limit = durable;
                    assertTrue(all.subList(0, got.size()).stream().allMatch(s -> s.dependsOn() <= limit), "too early");
                }
            }
            gate.durable(committed);
            for (int lane = 0; lane < count; lane++) {
                assertEquals(sent.get(lane).stream().map(Sent::id).toList(), inboxes.get(lane).got, "all in the end");
            }
        });
    }

    @Test
    @Timeout(20)
    void theWriterWaitsWhileTooManyMessagesWaitForTheDisk() throws InterruptedException {
        for (boolean fails : new boolean[] {false, true}) {
            ConfirmedGate gate = new ConfirmedGate(-1, 10);
            ConfirmedGate.Lane lane = gate.lane(new Inbox());
            for (int i = 0; i <= 10; i++) {
                gate.awaitRoom();
                lane.dependsOn(i);
                lane.send(message(i));
            }
            assertEquals(11, gate.waitingMessages());
            Thread writer = Thread.ofPlatform().daemon().start(gate::awaitRoom);
            Await.until("the writer waits", () -> writer.getState() == Thread.State.TIMED_WAITING);
            if (fails) {
                gate.fail(CloseReason.MODULE_EXITED);
            } else {
                gate.durable(0);
            }
            writer.join();
            assertEquals(fails ? 0 : 10, gate.waitingMessages());
        }
    }

    @Test
    void whatDependsOnNothingPassesAtOnceUnlessSomethingWaits() {
        ConfirmedGate gate = new ConfirmedGate(3);
        Inbox inbox = new Inbox();
        ConfirmedGate.Lane lane = gate.lane(inbox);
        lane.send(message(1));
        lane.dependsOn(3);
        lane.send(message(2));
        assertEquals(List.of(1, 2), inbox.got);
        lane.dependsOn(5);
        lane.send(message(3));
        lane.close(CloseReason.error("end"));
        gate.durable(4);
        assertEquals(List.of(1, 2), inbox.got);
        assertEquals(List.of(), inbox.closed);
        gate.durable(5);
        assertEquals(List.of(1, 2, 3), inbox.got);
        assertEquals(List.of(CloseReason.error("end")), inbox.closed);
        lane.send(message(4));
        lane.close(CloseReason.error("again"));
        assertEquals(List.of(1, 2, 3), inbox.got);
        assertEquals(1, inbox.closed.size());
    }

    @Test
    void whatBecomesDurableTogetherIsSentTogether() {
        List<List<ServerMessage>> sent = new ArrayList<>();
        ConfirmedGate gate = new ConfirmedGate(-1);
        ConfirmedGate.Lane lane = gate.lane(new ClientSink() {
            @Override
            public void send(ServerMessage message) {
                sent.add(List.of(message));
            }

            @Override
            public void sendAll(List<ServerMessage> messages) {
                sent.add(List.copyOf(messages));
            }

            @Override
            public void close(CloseReason reason) {
                throw new AssertionError(reason);
            }
        });
        for (int i = 0; i < 4; i++) {
            lane.dependsOn(i);
            lane.send(message(i));
        }
        gate.durable(2);
        assertEquals(List.of(List.of(message(0), message(1), message(2))), sent);
    }

    @Test
    @Timeout(60)
    void theOrderHoldsWhileTheWriterAddsToWhatIsReleased() {
        Seeds.repeat(20, random -> {
            ConfirmedGate gate = new ConfirmedGate(-1);
            List<Inbox> inboxes = List.of(new Inbox(), new Inbox(), new Inbox());
            List<ConfirmedGate.Lane> lanes = inboxes.stream().map(gate::lane).toList();
            AtomicLong committed = new AtomicLong(-1);
            int messages = 3_000;
            Thread log = Thread.ofPlatform().start(() -> {
                while (committed.get() < messages - 1) {
                    gate.durable(committed.get());
                }
                gate.durable(committed.get());
            });
            for (int i = 0; i < messages; i++) {
                ConfirmedGate.Lane lane = lanes.get(random.nextInt(lanes.size()));
                lane.dependsOn(i);
                lane.send(message(i));
                committed.set(i);
            }
            log.join();
            int got = 0;
            for (Inbox inbox : inboxes) {
                assertEquals(inbox.got.stream().sorted().toList(), inbox.got);
                got += inbox.got.size();
            }
            assertEquals(messages, got);
            assertEquals(0, gate.waitingMessages());
        });
    }

    @Test
    void oneConnectionDoesNotWaitForAnother() {
        ConfirmedGate gate = new ConfirmedGate(0);
        Inbox slow = new Inbox();
        Inbox quick = new Inbox();
        ConfirmedGate.Lane waiting = gate.lane(slow);
        waiting.dependsOn(9);
        waiting.send(message(1));
        gate.lane(quick).send(message(2));
        assertEquals(List.of(), slow.got);
        assertEquals(List.of(2), quick.got);
    }

    @Test
    void inMemoryNobodyWaits() {
        ConfirmedGate gate = new ConfirmedGate(Long.MAX_VALUE);
        Inbox inbox = new Inbox();
        ConfirmedGate.Lane lane = gate.lane(inbox);
        lane.dependsOn(1_000_000);
        lane.send(message(1));
        assertEquals(List.of(1), inbox.got);
        assertTrue(gate.whenDurable(Long.MAX_VALUE - 1).isDone());
    }

    @Test
    void aFailureDropsWhatWaitsAndClosesOnce() {
        ConfirmedGate gate = new ConfirmedGate(0);
        Inbox waits = new Inbox();
        Inbox idle = new Inbox();
        Inbox behind = new Inbox();
        ConfirmedGate.Lane lane = gate.lane(waits);
        ConfirmedGate.Lane idleLane = gate.lane(idle);
        ConfirmedGate.Lane behindLane = gate.lane(behind);
        lane.dependsOn(1);
        lane.send(message(1));
        lane.send(message(2));
        behindLane.dependsOn(2);
        gate.fail(CloseReason.MODULE_EXITED);
        gate.fail(CloseReason.MODULE_EXITED);
        // What a stopping database does next.
        lane.close(CloseReason.MODULE_EXITED);
        idleLane.close(CloseReason.MODULE_EXITED);
        behindLane.close(CloseReason.MODULE_EXITED);
        for (Inbox inbox : List.of(waits, idle, behind)) {
            assertEquals(List.of(), inbox.got);
            assertEquals(List.of(CloseReason.MODULE_EXITED), inbox.closed);
        }
        lane.send(message(3));
        assertEquals(List.of(), waits.got);
    }

    @Test
    void aMessageThatCouldNeverBeConfirmedClosesItsConnection() {
        ConfirmedGate gate = new ConfirmedGate(0);
        gate.fail(CloseReason.MODULE_EXITED);
        Inbox inbox = new Inbox();
        ConfirmedGate.Lane lane = gate.lane(inbox);
        lane.dependsOn(1);
        lane.send(message(1));
        assertEquals(List.of(), inbox.got);
        assertEquals(List.of(CloseReason.MODULE_EXITED), inbox.closed);
    }

    @Test
    void promisesAreKeptOrBroken() {
        ConfirmedGate gate = new ConfirmedGate(0);
        assertTrue(gate.whenDurable(0).isDone());
        CompletableFuture<Void> first = gate.whenDurable(1);
        CompletableFuture<Void> second = gate.whenDurable(2);
        CompletableFuture<Void> third = gate.whenDurable(3);
        assertFalse(first.isDone());
        gate.durable(2);
        assertTrue(first.isDone() && second.isDone() && !third.isDone());
        gate.fail(CloseReason.MODULE_EXITED);
        assertStopped(third);
        assertStopped(gate.whenDurable(3));
        assertTrue(gate.whenDurable(2).isDone() && !gate.whenDurable(2).isCompletedExceptionally());
    }

    private static void assertStopped(CompletableFuture<Void> future) {
        CompletionException e = assertThrows(CompletionException.class, () -> future.getNow(null));
        assertEquals(ErrorCode.DATABASE_STOPPED, assertInstanceOf(EngineException.class, e.getCause()).code());
    }
}
