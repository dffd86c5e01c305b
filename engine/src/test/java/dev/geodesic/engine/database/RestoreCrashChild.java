package dev.geodesic.engine.database;

import dev.geodesic.engine.backup.BackupOptions;
import dev.geodesic.engine.backup.Moment;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.sats.Identity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The process that {@link RestoreCrashTest} kills: a server whose databases are backed up, restored in place and as new ones, set
 * back to their own past, and deleted, by a few threads with databases of their own. Each says {@code begun}, its number and the
 * step, and {@code done} with the offset of the database's last transaction.
 */
final class RestoreCrashChild {

    /** {@code subject} is a backup, an offset, a row or the name of a database. */
    enum Step { INSERT, SNAPSHOT, BACKUP, RESTORE_BACKUP, RESTORE_ZIP, RESTORE_HISTORY, COPY_BACKUP, COPY_HISTORY, DELETE_COPY }

    static final int THREADS = 2;
    /** New ones of a thread in one life: names stay registered when a database is deleted. */
    private static final int COPIES_MAX = 3;

    private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);
    private static final Identity OWNER = CrashChild.SIDE_OWNER;

    private RestoreCrashChild() {
    }

    static ServerOptions options(Path directory) {
        return CrashChild.options(directory.resolve("data"))
                .withBackups(new BackupOptions(Optional.of(directory.resolve("backups")), 1 << 30, 1 << 30));
    }

    static String main(int thread) {
        return "main" + thread;
    }

    /** How the names of a thread's copies begin. */
    static String copies(int thread) {
        return "copy" + thread + "-";
    }

    private static void say(String line) {
        try {
            OUT.write((line + '\n').getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            Runtime.getRuntime().halt(3);
        }
    }

    /** Arguments: directory, program, seed, number of this life. */
    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        Server server = Server.start(options(directory));
        byte[] program = Files.readAllBytes(Path.of(args[1]));
        Random random = new Random(Long.parseLong(args[2]));
        for (int thread = 0; thread < THREADS; thread++) {
            try {
                server.resolve(main(thread));
            } catch (EngineException e) {
                PublishResult made =
                        server.publish(new PublishRequest(Optional.of(main(thread)), OWNER, program, false));
                server.database(made.identity()).awaitDurable(made.txOffset());
            }
        }
        say("ready");
        for (int thread = 0; thread < THREADS; thread++) {
            Worker worker = new Worker(
                    server, directory.resolve("backups"), thread, Integer.parseInt(args[3]), random.nextLong());
            Thread.ofPlatform().daemon().uncaughtExceptionHandler((t, e) -> {
                e.printStackTrace();
                Runtime.getRuntime().halt(4);
            }).start(worker::run);
        }
        while (System.in.read() >= 0) {
            Thread.onSpinWait();
        }
        System.exit(0);
    }

    private static final class Worker {

        private final Server server;
        private final Path backups;
        private final int thread;
        private final int life;
        private final Random random;
        /** Numbers of transactions to which the database can be set back. */
        private final List<Long> moments = new ArrayList<>();
        private int row;
        private int written;
        private int copied;

        Worker(Server server, Path backups, int thread, int life, long seed) {
            this.server = server;
            this.backups = backups;
            this.thread = thread;
            this.life = life;
            this.random = new Random(seed);
        }

        void run() {
            Step[] steps = Step.values();
            while (true) {
                try {
                    step(steps[random.nextInt(3) == 0 ? Step.INSERT.ordinal() : random.nextInt(steps.length)]);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }
        }

        private Database database() {
            return server.database(server.resolve(main(thread)));
        }

        private void step(Step step) throws IOException {
            Identity same = server.resolve(main(thread));
            switch (step) {
                case INSERT -> {
                    int id = life * 100_000 + row++;
                    begun(step, Integer.toString(id));
                    long offset = database().sql(CrashChild.SIDE_CLIENT, "INSERT INTO a (id) VALUES (" + id + ")").txOffset();
                    database().awaitDurable(offset);
                    moments.add(offset + 1);
                    say("done " + thread + ' ' + (offset + 1));
                    return;
                }
                case SNAPSHOT -> {
                    begun(step, "-");
                    database().snapshots().orElseThrow().take().join();
                }
                case BACKUP -> {
                    String name = "t" + thread + "-" + life + "-" + written++;
                    begun(step, name);
                    server.backups().write(same, name, random.nextBoolean(), OWNER);
                }
                case RESTORE_BACKUP, COPY_BACKUP -> {
                    List<String> names = backups();
                    if (names.isEmpty()) {
                        return;
                    }
                    String name = names.get(random.nextInt(names.size()));
                    RestoreRequest.Source source = new RestoreRequest.Source.Directory(name);
                    if (step == Step.RESTORE_BACKUP) {
                        begun(step, name);
                        restore(source, new Moment.Latest(), new RestoreRequest.Target.Same(same));
                        moments.clear();
                    } else if (!copy(step, name, source, new Moment.Latest())) {
                        return;
                    }
                }
                case RESTORE_ZIP -> {
                    begun(step, "-");
                    ByteArrayOutputStream zip = new ByteArrayOutputStream();
                    try (var writer = server.backups().prepare(same, random.nextBoolean(), OWNER)) {
                        writer.writeZip(zip);
                    }
                    try (Backups.Upload upload = server.backups().receive(new ByteArrayInputStream(zip.toByteArray()))) {
                        restore(new RestoreRequest.Source.Sent(upload), new Moment.Latest(),
                                new RestoreRequest.Target.Same(same));
                    }
                    moments.clear();
                }
                case RESTORE_HISTORY, COPY_HISTORY -> {
                    var kept = database().snapshots().orElseThrow().list();
                    List<Long> possible = moments.stream().filter(m -> m >= kept.fromOffset()).toList();
                    if (possible.isEmpty()) {
                        return;
                    }
                    long moment = possible.get(random.nextInt(possible.size()));
                    RestoreRequest.Source source = new RestoreRequest.Source.History(same);
                    if (step == Step.RESTORE_HISTORY) {
                        begun(step, Long.toString(moment));
                        restore(source, new Moment.Offset(moment), new RestoreRequest.Target.Same(same));
                        moments.clear();
                    } else if (!copy(step, Long.toString(moment), source, new Moment.Offset(moment))) {
                        return;
                    }
                }
                case DELETE_COPY -> {
                    List<String> names = server.databasesOf(OWNER).stream().flatMap(d -> server.names(d).stream())
                            .filter(n -> n.startsWith(copies(thread))).sorted().toList();
                    if (names.isEmpty()) {
                        return;
                    }
                    String name = names.get(random.nextInt(names.size()));
                    begun(step, name);
                    server.delete(server.resolve(name), OWNER);
                }
                default -> throw new AssertionError(step);
            }
            say("done " + thread + " -");
        }

        private void begun(Step step, String subject) {
            say("begun " + thread + ' ' + step + ' ' + subject);
        }

        private List<String> backups() throws IOException {
            if (!Files.exists(backups)) {
                return List.of();
            }
            try (Stream<Path> all = Files.list(backups)) {
                return all.map(p -> p.getFileName().toString()).filter(n -> n.startsWith("t" + thread + "-")).sorted().toList();
            }
        }

        /** False if there have been enough of them. */
        private boolean copy(Step step, String what, RestoreRequest.Source source, Moment moment) {
            if (copied == COPIES_MAX) {
                return false;
            }
            String name = copies(thread) + life + '-' + copied++;
            begun(step, what + ' ' + name);
            restore(source, moment, new RestoreRequest.Target.Another(Optional.of(name)));
            return true;
        }

        private void restore(RestoreRequest.Source source, Moment moment, RestoreRequest.Target target) {
            server.backups().restore(new RestoreRequest(source, moment, target, OWNER, true));
        }
    }
}
