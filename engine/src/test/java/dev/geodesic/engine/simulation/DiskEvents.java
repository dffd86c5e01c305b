package dev.geodesic.engine.simulation;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.durability.Faults;
import dev.geodesic.engine.snapshot.Snapshotter;
import dev.geodesic.protocol.message.Arguments;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** What happens to the disk, and to the process and the power: forces, snapshots, faults, crashes. */
final class DiskEvents {

    private final Simulation life;

    DiskEvents(Simulation life) {
        this.life = life;
    }

    void flush(Random random) throws InterruptedException {
        int waiting = life.logs.database().waiting();
        flush(random, random.nextInt(4) == 0 ? random.nextInt(waiting + 1) : waiting);
    }

    void flush(Random random, int count) throws InterruptedException {
        SteppedLogs.Stepped log = life.logs.database();
        if (count == 0) {
            return;
        }
        life.story += " flush:" + count;
        if (random.nextBoolean()) {
            handOver(count);
            life.disk.release();
        } else {
            for (int i = 0; i < count; i++) {
                log.pass(1);
                log.await();
            }
        }
        log.await();
    }

    /** The log holds so many records; the first of them, or the beginning of a segment, is about to be forced. */
    private void handOver(int count) throws InterruptedException {
        life.disk.hold();
        life.logs.database().pass(1);
        life.disk.awaitHeld();
        life.logs.database().pass(count - 1);
    }

    void crash(Random random, boolean powerLoss) throws InterruptedException {
        int waiting = life.logs.database().waiting();
        int count = random.nextBoolean() ? 0 : random.nextInt(waiting + 1);
        life.story += " of " + waiting + " waiting: " + count;
        if (count > 0) {
            handOver(count);
        }
        life.restart(powerLoss);
    }

    /**
     * Takes the snapshots that are due, and deletes what is not needed any more. Sometimes the disk does not go along, which
     * the next one makes up for, or the process ends in the middle of it.
     */
    void takeSnapshots(Random random) throws InterruptedException {
        flush(random, life.logs.database().waiting());
        Faults.Fault fault = switch (random.nextInt(4)) {
            case 0 -> Faults.Fault.FAIL;
            case 1 -> Faults.Fault.DIE;
            default -> Faults.Fault.NONE;
        };
        long number = life.disk.operations() + random.nextInt(16);
        life.disk.faults().plan(operation -> operation.number() == number ? fault : Faults.Fault.NONE);
        life.snapshots.takeAll();
        life.disk.faults().plan(operation -> Faults.Fault.NONE);
        if (life.disk.isDead()) {
            life.story += " died";
            life.restart(random.nextBoolean());
            return;
        }
        Snapshotter snapshotter = life.database.snapshots().orElseThrow();
        if (fault != Faults.Fault.NONE && snapshotter.failure().isPresent()) {
            life.story += " again";
            snapshotter.take();
            life.snapshots.takeAll();
        }
        if (snapshotter.failure().isPresent()) {
            throw new AssertionError("no snapshot: " + snapshotter.failure());
        }
        snapshotter.status().last().ifPresent(last -> life.story += " snapshot of " + last.offset());
    }

    void snapshot(Random random) throws InterruptedException {
        CompletableFuture<?> asked = life.database.snapshots().orElseThrow().take();
        takeSnapshots(random);
        if (!asked.isDone()) {
            throw new AssertionError("nobody took the snapshot");
        }
    }

    /** Makes old segments small; sometimes the disk does not go along, which changes nothing. */
    void compress(Random random) {
        boolean fails = random.nextInt(3) == 0;
        long number = fails ? life.disk.operations() + random.nextInt(8) : -1;
        life.disk.faults().plan(operation -> operation.number() == number ? Faults.Fault.FAIL : Faults.Fault.NONE);
        try {
            life.story += " " + life.logs.database().files().orElseThrow().compress(life.model.offset() + 1);
        } catch (EngineException e) {
            if (!fails || e.code() != ErrorCode.STORAGE_FAILED) {
                throw e;
            }
            life.story += " failed";
        }
        life.disk.faults().plan(operation -> Faults.Fault.NONE);
    }

    /** An operation of the disk fails while the log writes. */
    void fault(Random random) throws InterruptedException {
        life.calls.call(random, life.pick(random));
        life.check();
        long number = life.disk.operations() + random.nextInt(6);
        life.disk.faults().plan(operation -> operation.number() == number ? Faults.Fault.FAIL : Faults.Fault.NONE);
        SteppedLogs.Stepped log = life.logs.database();
        while (log.waiting() > 0 && !log.failed()) {
            log.pass(1);
            log.await();
        }
        life.disk.faults().plan(operation -> Faults.Fault.NONE);
        if (!log.failed()) {
            return;
        }
        life.story += " failed:" + (log.announced() + 1);
        if (life.database.failure().isEmpty()) {
            throw new AssertionError("the log has failed, the database has not");
        }
        Simulation.refused(() -> Simulation.join(() ->
                life.database.call(life.watcher.info, "remove", new Arguments.Json("[0]")).join()));
        life.checkClients();
        life.requireClosed();
        long durable = log.announced();
        long passed = log.passed();
        log.abandon();
        life.disk.die();
        life.server.close();
        life.restartOn(life.disk.after(random.nextBoolean()), durable, passed);
    }
}
