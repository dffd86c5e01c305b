package dev.geodesic.engine.subscription;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.ClientSink;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ServerMessage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * Holds messages of connections with confirmed reads back until the transaction that they depend on is durable
 * (spec/websocket.md section 9). One queue for the whole database: offsets only rise, so whoever is at the head waits for
 * the least. A message that depends on nothing goes through at once if its connection has nothing waiting; else it takes
 * its place in the queue. Thread-safe: the writer adds, the log's thread lets go.
 */
public final class ConfirmedGate {

    private record Waiting(Lane lane, ServerMessage message, CloseReason close, long txOffset) {
    }

    private record Promise(long txOffset, CompletableFuture<Void> done) {
    }

    /** The part of one connection. */
    public final class Lane implements ClientSink {

        private final ClientSink sink;
        /** Messages that are in the queue, or on their way from it to the sink. */
        private int waiting;
        /** What {@link ConfirmedGate#durable} is about to give to the sink; null if nothing. The log's thread. */
        private List<ServerMessage> released;
        private CloseReason releasedClose;
        private long dependsOn = -1;
        private boolean closed;

        private Lane(ClientSink sink) {
            this.sink = Objects.requireNonNull(sink);
        }

        /** What is sent from now on depends on this transaction. */
        public void dependsOn(long txOffset) {
            synchronized (ConfirmedGate.this) {
                dependsOn = txOffset;
            }
        }

        @Override
        public void send(ServerMessage message) {
            add(this, message, null);
        }

        @Override
        public void close(CloseReason reason) {
            add(this, null, reason);
        }
    }

    /** Of messages that wait; the writer waits beyond this. */
    private static final int WAITING_MAX = 1 << 20;
    private static final long LOOK_MILLIS = 100;

    private final int waitingMax;
    /** Length of the queue, to be looked at without the lock. */
    private volatile int length;
    private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
    private final List<Promise> promises = new ArrayList<>();
    private long durable;
    /** Set once nothing will become durable any more. */
    private CloseReason failure;

    /** @param durable offset of the last durable transaction, {@code Long.MAX_VALUE} if nobody ever waits */
    public ConfirmedGate(long durable) {
        this(durable, WAITING_MAX);
    }

    ConfirmedGate(long durable, int waitingMax) {
        this.durable = durable;
        this.waitingMax = waitingMax;
    }

    /** Waits while too many messages wait for the disk, which they do whether or not more are added. Writer thread. */
    public void awaitRoom() {
        if (length <= waitingMax) {
            return;
        }
        boolean interrupted = false;
        synchronized (this) {
            while (queue.size() > waitingMax) {
                try {
                    wait(LOOK_MILLIS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether anybody waits for the disk. Any thread. */
    public synchronized boolean isWaited() {
        return !queue.isEmpty() || !promises.isEmpty();
    }

    /** Messages that wait for the disk. Any thread. */
    public int waitingMessages() {
        return length;
    }

    public Lane lane(ClientSink sink) {
        return new Lane(sink);
    }

    private synchronized void add(Lane lane, ServerMessage message, CloseReason close) {
        if (lane.waiting == 0 && lane.dependsOn <= durable) {
            pass(lane, message, close);
        } else if (failure != null) {
            pass(lane, null, failure);
        } else {
            queue.add(new Waiting(lane, message, close, lane.dependsOn));
            length = queue.size();
            lane.waiting++;
        }
    }

    /** Nothing passes behind a close. */
    private static void pass(Lane lane, ServerMessage message, CloseReason close) {
        if (lane.closed) {
            return;
        }
        if (close == null) {
            lane.sink.send(message);
        } else {
            lane.closed = true;
            lane.sink.close(close);
        }
    }

    /** Completes when the transaction is on stable storage, or exceptionally with DATABASE_STOPPED. */
    public synchronized CompletableFuture<Void> whenDurable(long txOffset) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        if (txOffset <= durable) {
            done.complete(null);
        } else if (failure != null) {
            done.completeExceptionally(stopped());
        } else {
            promises.add(new Promise(txOffset, done));
        }
        return done;
    }

    /**
     * Everything up to this transaction is on stable storage. The messages of one connection go together, without the lock,
     * which the writer needs all the time: meanwhile what it adds for them queues up behind. Log's thread.
     */
    public void durable(long txOffset) {
        List<Lane> lanes = new ArrayList<>();
        while (release(txOffset, lanes)) {
            for (Lane lane : lanes) {
                if (!lane.released.isEmpty() && !lane.closed) {
                    lane.sink.sendAll(lane.released);
                }
                if (lane.releasedClose != null) {
                    pass(lane, null, lane.releasedClose);
                }
            }
        }
    }

    /** Notes that the lanes have got what was released, and releases what else need not wait; false if there is nothing. */
    private synchronized boolean release(long txOffset, List<Lane> lanes) {
        durable = txOffset;
        for (Lane lane : lanes) {
            lane.waiting -= lane.released.size() + (lane.releasedClose == null ? 0 : 1);
            lane.released = null;
            lane.releasedClose = null;
        }
        lanes.clear();
        while (!queue.isEmpty() && queue.peek().txOffset() <= durable) {
            Waiting first = queue.remove();
            Lane lane = first.lane();
            if (lane.released == null) {
                lane.released = new ArrayList<>();
                lanes.add(lane);
            }
            if (lane.releasedClose != null) {
                lane.waiting--;
            } else if (first.close() != null) {
                lane.releasedClose = first.close();
            } else {
                lane.released.add(first.message());
            }
        }
        letGo();
        promises.removeIf(p -> p.txOffset() <= durable && p.done().complete(null));
        return !lanes.isEmpty();
    }

    /** Nothing will become durable any more: waiting messages are dropped, their connections closed. */
    public synchronized void fail(CloseReason reason) {
        if (failure != null) {
            return;
        }
        failure = reason;
        Waiting next;
        while ((next = queue.poll()) != null) {
            next.lane().waiting--;
            pass(next.lane(), null, reason);
        }
        letGo();
        promises.forEach(p -> p.done().completeExceptionally(stopped()));
        promises.clear();
    }

    private void letGo() {
        if (length > waitingMax && queue.size() <= waitingMax) {
            notifyAll();
        }
        length = queue.size();
    }

    private static EngineException stopped() {
        return new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped");
    }
}
