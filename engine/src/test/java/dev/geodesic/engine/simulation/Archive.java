package dev.geodesic.engine.simulation;

import dev.geodesic.engine.backup.BackupWriter;
import dev.geodesic.engine.backup.Manifest;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.Backups;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Inside;
import dev.geodesic.engine.database.RestoreRequest;
import dev.geodesic.engine.database.RestoreResult;
import dev.geodesic.engine.simulation.Model.Query;
import dev.geodesic.engine.simulation.Model.State;
import dev.geodesic.engine.simulation.Model.Table;
import dev.geodesic.sats.Identity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** The backups that a simulation has taken so far, with what was in the database then, and what is restored from them. */
final class Archive {

    /**
     * A backup.
     *
     * @param from smallest number of transactions of which it has the state
     * @param until that of the latest one
     * @param past all states of the model until then
     */
    private record Backup(byte[] zip, long from, long until, List<State> past) {
    }

    private final Simulation life;
    private final List<Backup> backups = new ArrayList<>();

    Archive(Simulation life) {
        this.life = life;
    }

    // ---- taking ----

    /** A hot backup: clients go on while it is written. What they do then is not in it. */
    void takeBackup(Random random) throws InterruptedException {
        life.disks.flush(random, life.logs.database().waiting());
        boolean history = random.nextInt(3) > 0;
        List<State> past = life.model.past();
        ByteArrayOutputStream zip = new ByteArrayOutputStream();
        try (BackupWriter writer = prepare(history)) {
            Manifest manifest = writer.manifest();
            if (manifest.transactions() != life.model.offset() + 1) {
                throw new AssertionError(
                        "a backup of " + manifest.transactions() + " transactions, behind " + life.model.offset());
            }
            life.tell(" backup of " + manifest.from() + " to " + manifest.transactions());
            life.calls.call(random, life.pick(random));
            if (random.nextBoolean()) {
                life.settle();
                life.disks.flush(random);
            }
            writer.writeZip(zip);
            backups.add(new Backup(zip.toByteArray(), manifest.from(), manifest.transactions(), past));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private BackupWriter prepare(boolean history) throws InterruptedException {
        CompletableFuture<BackupWriter> writer = onThread(() ->
                life.server.backups().prepare(life.database.identity(), history, Template.OWNER));
        life.snapshots.takeUntil(writer);
        return Simulation.join(writer::join);
    }

    private static <T> CompletableFuture<T> onThread(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, task -> Thread.ofPlatform().daemon().name("backup").start(task));
    }

    // ---- restoring ----

    /** From a backup or from what the database has kept; in its place or as another one, which is looked at and deleted. */
    void restore(Random random) throws InterruptedException {
        life.disks.flush(random, life.logs.database().waiting());
        life.check();
        boolean same = random.nextBoolean();
        if (backups.isEmpty() || random.nextBoolean()) {
            long until = life.model.offset() + 1;
            long wanted = random.nextBoolean() ? until : life.model.start() + 1 + random.nextLong(until - life.model.start());
            restore(same, life.model.past(), wanted, target -> life.server.backups().restore(new RestoreRequest(
                    new RestoreRequest.Source.History(life.database.identity()),
                    wanted == until && random.nextBoolean() ? new Moment.Latest() : new Moment.Offset(wanted),
                    target, Template.OWNER, true)));
            return;
        }
        Backup backup = backups.get(random.nextInt(backups.size()));
        long from = Math.max(backup.from(), life.model.start() + 1);
        long wanted = random.nextBoolean() ? backup.until() : from + random.nextLong(backup.until() - from + 1);
        life.tell(" of the backup until " + backup.until());
        restore(same, backup.past(), wanted, target -> {
            try (Backups.Upload upload = life.server.backups().receive(new ByteArrayInputStream(backup.zip()))) {
                return life.server.backups().restore(new RestoreRequest(
                        new RestoreRequest.Source.Sent(upload), new Moment.Offset(wanted), target, Template.OWNER, true));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private interface Restoring {
        RestoreResult into(RestoreRequest.Target target);
    }

    private void restore(boolean same, List<State> past, long transactions, Restoring restoring) throws InterruptedException {
        life.tell((same ? " in place: " : " as another: ") + transactions);
        SteppedLogs.Stepped log = life.logs.database();
        RestoreRequest.Target target = same
                ? new RestoreRequest.Target.Same(life.database.identity()) : new RestoreRequest.Target.Another(Optional.empty());
        RestoreResult result;
        try {
            result = restoring.into(target);
        } catch (EngineException e) {
            requireNotKept(e, transactions);
            return;
        }
        if (result.transactions() != transactions || result.created() == same) {
            throw new AssertionError(result + " instead of " + transactions + " transactions");
        }
        if (same) {
            life.setBack(past, transactions - 1);
            return;
        }
        compareOther(result.identity(), past, transactions - 1);
        life.server.delete(result.identity(), Template.OWNER);
        life.logs.goOnWith(log);
    }

    /** Early states go with the snapshots before them. */
    private void requireNotKept(EngineException refusal, long transactions) throws InterruptedException {
        life.tell(" refused");
        if (refusal.code() != ErrorCode.INVALID_ARGUMENTS) {
            throw refusal;
        }
        try (BackupWriter kept = prepare(true)) {
            if (kept.manifest().from() <= transactions) {
                throw new AssertionError("kept from " + kept.manifest().from() + " on, but not restored", refusal);
            }
        }
    }

    /** Everything is in another database that was in this one, and it goes on as this one would after a crash. */
    private void compareOther(Identity identity, List<State> past, long offset) {
        SteppedLogs.Stepped log = life.logs.database();
        log.flow(true);
        Database other = life.server.database(identity);
        Inside.settle(other);
        Model model = new Model(life.model.start(), life.model.now());
        model.restore(past, offset);
        Simulation.disconnectLeftovers(model, log);
        model.rearm();
        for (Table table : Table.values()) {
            Query query = Model.QUERIES.get(table.ordinal());
            if (query.since() <= model.last().program()) {
                life.queries.select(other, model, query);
            }
        }
        // With one more, which says whose it is now.
        long last = Inside.settle(other) - 1;
        if (last != model.offset() || log.recovered() != offset + 2) {
            throw new AssertionError("the last transaction of the other database is " + last + " instead of " + model.offset()
                    + ", it began behind " + log.recovered());
        }
    }
}
