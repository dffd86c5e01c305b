package dev.geodesic.engine.simulation;

import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What the program {@code samples/modules/simulation} makes of its tables, in plain maps: every state since the first, by
 * transaction offset, the counters of its sequences, and which scheduled calls are due when.
 */
final class Model {

    static final long SECOND = 1_000_000;
    private static final int SEQUENCE_BLOCK = 4096;
    /** The scheduler looks at the clock so often at least. */
    private static final long SLEEP_MAX = 10 * SECOND;

    enum Table {
        REGISTER, ACCOUNT, ENTRY, JOB, ERRAND, RAN, VISIT, EXTRA;

        String sql() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    // ---- rows ----

    sealed interface Row {

        void write(BsatnWriter out);

        default String hex() {
            BsatnWriter out = new BsatnWriter();
            write(out);
            return HexFormat.of().formatHex(out.buffer(), 0, out.length());
        }
    }

    record Register(int key, long value) implements Row {
        @Override
        public void write(BsatnWriter out) {
            out.writeU32(key);
            out.writeU64(value);
        }
    }

    record Account(int id, long balance) implements Row {
        @Override
        public void write(BsatnWriter out) {
            out.writeU32(id);
            out.writeU64(balance);
        }
    }

    record Entry(long id, int account, long amount, long at) implements Row {
        @Override
        public void write(BsatnWriter out) {
            out.writeU64(id);
            out.writeU32(account);
            out.writeU64(amount);
            out.writeU64(at);
        }
    }

    /** When a job is due: at a time, or again and again. */
    record At(boolean interval, long micros) {
        void write(BsatnWriter out) {
            out.writeU8(interval ? 0 : 1);
            out.writeU64(micros);
        }
    }

    /** Of both schedule tables. */
    record Job(long id, At at, long label, int how) implements Row {
        @Override
        public void write(BsatnWriter out) {
            out.writeU64(id);
            at.write(out);
            out.writeU64(label);
            out.writeU8(how);
        }
    }

    record Ran(long label, int times, long at) implements Row {
        @Override
        public void write(BsatnWriter out) {
            out.writeU64(label);
            out.writeU32(times);
            out.writeU64(at);
        }
    }

    record Visit(long id, ConnectionId connection, int came, int went) implements Row {
        @Override
        public void write(BsatnWriter out) {
            out.writeU64(id);
            out.writeConnectionId(connection);
            out.writeU32(came);
            out.writeU32(went);
        }
    }

    /** An event, which is never stored. */
    record Spark(long value) implements Row {
        @Override
        public void write(BsatnWriter out) {
            out.writeU64(value);
        }
    }

    // ---- states ----

    /** Everything at one offset. Changed only until it is committed. */
    static final class State {

        private final Map<Table, TreeMap<Long, Row>> rows = new EnumMap<>(Table.class);
        private final Map<ConnectionId, Identity> clients = new LinkedHashMap<>();
        /** Recorded ends of the sequences' blocks. */
        private final long[] allocated = new long[Table.values().length];
        private int program;
        /** Events of the transaction that led here. */
        private final List<Row> sparks = new ArrayList<>();
        private final Map<Query, Map<String, Integer>> answers = new HashMap<>();

        State() {
            for (Table table : Table.values()) {
                rows.put(table, new TreeMap<>());
            }
            Arrays.fill(allocated, 1);
        }

        private State copy() {
            State copy = new State();
            rows.forEach((table, all) -> copy.rows.put(table, new TreeMap<>(all)));
            copy.clients.putAll(clients);
            System.arraycopy(allocated, 0, copy.allocated, 0, allocated.length);
            copy.program = program;
            return copy;
        }

        /** Whether a transaction from one to the other is logged. */
        private boolean differs(State before) {
            return !rows.equals(before.rows) || !clients.equals(before.clients) || program != before.program
                    || !Arrays.equals(allocated, before.allocated) || !sparks.isEmpty();
        }

        Map<Long, Row> table(Table table) {
            return rows.get(table);
        }

        <R extends Row> Optional<R> find(Table table, long key, Class<R> type) {
            return Optional.ofNullable(rows.get(table).get(key)).map(type::cast);
        }

        <R extends Row> List<R> all(Table table, Class<R> type) {
            return rows.get(table).values().stream().map(type::cast).toList();
        }

        Map<ConnectionId, Identity> clients() {
            return clients;
        }

        int program() {
            return program;
        }

        List<Row> sparks() {
            return sparks;
        }

        /** Rows that a query finds, as often as it finds them, in hex. */
        Map<String, Integer> answer(Query query) {
            return answers.computeIfAbsent(query, q -> {
                Map<String, Integer> bag = new TreeMap<>();
                q.rows.apply(this).forEach(row -> bag.merge(row.hex(), 1, Integer::sum));
                return bag;
            });
        }
    }

    /**
     * A query that clients watch.
     *
     * @param table that the rows are said to be of
     * @param since first program that has the table
     */
    record Query(String sql, String table, boolean event, int since, Function<State, Collection<? extends Row>> rows) {
    }

    static final List<Query> QUERIES = queries();

    private static Query all(Table table) {
        return new Query("SELECT * FROM " + table.sql(), table.sql(), false, table == Table.EXTRA ? 1 : 0,
                s -> s.table(table).values());
    }

    /** One query for all rows of each table, in the order of the tables; then others. */
    private static List<Query> queries() {
        List<Query> queries = new ArrayList<>();
        for (Table table : Table.values()) {
            queries.add(all(table));
        }
        for (int value = 0; value < 3; value++) {
            int wanted = value;
            queries.add(new Query("SELECT * FROM register WHERE value = " + value, "register", false, 0, s ->
                    s.all(Table.REGISTER, Register.class).stream().filter(r -> r.value() == wanted).toList()));
            queries.add(new Query("SELECT * FROM entry WHERE account = " + value, "entry", false, 0, s ->
                    s.all(Table.ENTRY, Entry.class).stream().filter(e -> e.account() == wanted).toList()));
        }
        queries.add(new Query("SELECT * FROM register WHERE key = 1 OR value = 2", "register", false, 0, s ->
                s.all(Table.REGISTER, Register.class).stream().filter(r -> r.key() == 1 || r.value() == 2).toList()));
        queries.add(new Query("SELECT * FROM account WHERE balance >= 50", "account", false, 0, s ->
                s.all(Table.ACCOUNT, Account.class).stream().filter(a -> a.balance() >= 50).toList()));
        queries.add(new Query("SELECT * FROM rich", "rich", false, 0, s ->
                s.all(Table.ACCOUNT, Account.class).stream().filter(a -> a.balance() >= 100).toList()));
        queries.add(new Query("SELECT account.* FROM entry JOIN account ON entry.account = account.id", "account", false, 0, s ->
                s.all(Table.ENTRY, Entry.class).stream()
                        .flatMap(e -> s.find(Table.ACCOUNT, e.account(), Account.class).stream()).toList()));
        queries.add(new Query("SELECT entry.* FROM entry JOIN account ON entry.account = account.id", "entry", false, 0, s ->
                s.all(Table.ENTRY, Entry.class).stream()
                        .filter(e -> s.find(Table.ACCOUNT, e.account(), Account.class).isPresent()).toList()));
        queries.add(new Query("SELECT * FROM spark", "spark", true, 0, s -> List.of()));
        return queries;
    }

    // ---- transactions ----

    /** A call fails; a panic has no text. */
    static final class Refusal extends RuntimeException {

        private static final long serialVersionUID = 1;
        private final boolean panic;

        private Refusal(String text, boolean panic) {
            super(text, null, false, false);
            this.panic = panic;
        }

        static Refusal error(String text) {
            return new Refusal(text, false);
        }

        static Refusal panic() {
            return new Refusal("panic", true);
        }

        boolean isPanic() {
            return panic;
        }
    }

    /** What one transaction has led to. */
    record Commit(long offset, State before, State after) {
    }

    private static final class Sequence {
        private long next = 1;
        private long allocated = 1;
        private int left;
    }

    private final List<State> states = new ArrayList<>();
    private final long first;
    private final Map<Table, Sequence> sequences = new EnumMap<>(Table.class);
    private final Set<Table> reserved = new TreeSet<>();
    private State open;

    /** @param first offset at which the database is empty */
    Model(long first, long now) {
        this.first = first;
        this.now = now;
        states.add(new State());
        startSequences();
    }

    /** Offset at which the database is empty. */
    long start() {
        return first;
    }

    /** All states until now. */
    List<State> past() {
        return List.copyOf(states);
    }

    /** The state at an offset of some past is there again; call {@link #rearm} when clients have been dealt with. */
    void restore(List<State> past, long offset) {
        states.clear();
        states.addAll(past);
        recover(offset);
    }

    private void startSequences() {
        for (Table table : Table.values()) {
            Sequence sequence = new Sequence();
            sequence.next = last().allocated[table.ordinal()];
            sequence.allocated = sequence.next;
            sequences.put(table, sequence);
        }
    }

    /** Offset of the last transaction. */
    long offset() {
        return first + states.size() - 1;
    }

    State last() {
        return states.getLast();
    }

    State at(long offset) {
        return states.get((int) (offset - first));
    }

    /**
     * Runs a transaction.
     *
     * @return empty if it changed nothing
     * @throws Refusal of the work; nothing has changed then
     */
    Optional<Commit> transact(Consumer<State> work) {
        State before = last();
        open = before.copy();
        reserved.clear();
        try {
            work.accept(open);
        } catch (Refusal e) {
            reserved.forEach(table -> {
                Sequence sequence = sequences.get(table);
                sequence.left = 0;
                sequence.allocated = sequence.next;
            });
            throw e;
        }
        if (!open.differs(before)) {
            return Optional.empty();
        }
        states.add(open);
        follow(before, open);
        return Optional.of(new Commit(offset(), before, open));
    }

    /** The next value of a sequence, in the open transaction. */
    long take(Table table) {
        Sequence sequence = sequences.get(table);
        if (sequence.left == 0) {
            sequence.allocated += SEQUENCE_BLOCK;
            sequence.left = SEQUENCE_BLOCK;
            open.allocated[table.ordinal()] = sequence.allocated;
            reserved.add(table);
        }
        sequence.left--;
        return sequence.next++;
    }

    /** After a start that found the state at an offset; call {@link #rearm} when clients have been dealt with. */
    void recover(long offset) {
        states.subList((int) (offset - first) + 1, states.size()).clear();
        startSequences();
        entries.clear();
        wake = false;
        opened = false;
        lastNow = Long.MIN_VALUE;
    }

    // ---- what the program does ----

    void put(State s, int key, long value) {
        s.table(Table.REGISTER).put((long) key, new Register(key, value));
    }

    long get(State s, int key) {
        return s.find(Table.REGISTER, key, Register.class).map(Register::value).orElse(0L);
    }

    void deposit(State s, int id, long amount) {
        long balance = s.find(Table.ACCOUNT, id, Account.class).map(Account::balance).orElse(0L);
        s.table(Table.ACCOUNT).put((long) id, new Account(id, balance + amount));
    }

    void record(State s, int account, long amount, int count, long at) {
        for (int i = 0; i < count; i++) {
            long id = take(Table.ENTRY);
            s.table(Table.ENTRY).put(id, new Entry(id, account, amount, at));
        }
    }

    void arm(State s, Table table, At at, long label, int how) {
        long id = take(table);
        s.table(table).put(id, new Job(id, at, label, how));
    }

    private void countRun(State s, long label, long at) {
        int times = s.find(Table.RAN, label, Ran.class).map(Ran::times).orElse(0);
        s.table(Table.RAN).put(label, new Ran(label, times + 1, at));
    }

    void connect(State s, ConnectionId connection, Identity who) {
        s.clients.put(connection, who);
        Optional<Visit> visit = s.all(Table.VISIT, Visit.class).stream()
                .filter(v -> v.connection().equals(connection)).findFirst();
        long id = visit.map(Visit::id).orElseGet(() -> take(Table.VISIT));
        s.table(Table.VISIT).put(id, new Visit(
                id, connection, visit.map(Visit::came).orElse(0) + 1, visit.map(Visit::went).orElse(0)));
    }

    void disconnect(State s, ConnectionId connection) {
        s.clients.remove(connection);
        Visit visit = s.all(Table.VISIT, Visit.class).stream()
                .filter(v -> v.connection().equals(connection)).findFirst().orElseThrow();
        s.table(Table.VISIT).put(visit.id(), new Visit(visit.id(), connection, visit.came(), visit.went() + 1));
    }

    void program(State s, int program) {
        s.program = program;
    }

    // ---- schedules ----

    private record Key(Table table, long id) {
    }

    private record Due(Key key, long at) {
    }

    /** The wall clock, and time that passed. */
    private long now;
    private long passed;
    private final Map<Key, Long> entries = new LinkedHashMap<>();
    private boolean opened;
    /** What the clock said when the scheduler looked at it the last time. */
    private long lastNow = Long.MIN_VALUE;
    private boolean wake;
    private long wakeAt;
    private long wakePassed;
    private boolean busy;
    private boolean looking;
    private Consumer<Commit> onScheduled = commit -> { };

    long now() {
        return now;
    }

    /** Who hears of transactions that no client has asked for. */
    void onScheduled(Consumer<Commit> listener) {
        onScheduled = listener;
    }

    /** Scheduled calls that wait, or are late without anybody having noticed. */
    boolean isLate() {
        return entries.values().stream().anyMatch(due -> due <= now);
    }

    /** Time goes by. */
    void pass(long micros) {
        now += micros;
        passed += micros;
        if (wake && wakePassed <= passed) {
            wake = false;
            looking = true;
        }
        runDue();
    }

    /** The clock is set; nobody notices. */
    void set(long micros) {
        now = micros;
    }

    /** All rows are armed anew: at the start, and when the program was replaced. */
    void rearm() {
        opened = true;
        entries.clear();
        for (Table table : List.of(Table.JOB, Table.ERRAND)) {
            last().all(table, Job.class).forEach(job -> arm(new Key(table, job.id()), job));
        }
        looking = true;
        runDue();
    }

    private void arm(Key key, Job job) {
        entries.put(key, job.at().interval() ? now + job.at().micros() : job.at().micros());
    }

    private void follow(State before, State after) {
        for (Table table : List.of(Table.JOB, Table.ERRAND)) {
            Map<Long, Row> old = before.table(table);
            Map<Long, Row> next = after.table(table);
            if (!old.equals(next)) {
                old.forEach((id, row) -> {
                    if (!row.equals(next.get(id))) {
                        entries.remove(new Key(table, id));
                    }
                });
                next.forEach((id, row) -> {
                    if (opened && !row.equals(old.get(id))) {
                        arm(new Key(table, id), (Job) row);
                    }
                });
                looking = true;
            }
        }
    }

    /** Calls what the scheduler calls now, if something made it look: behind the task of the writer that did. */
    void runDue() {
        if (!looking || busy || !opened) {
            return;
        }
        busy = true;
        while (true) {
            if (!entries.isEmpty()) {
                if (now < lastNow) {
                    clockWentBack();
                }
                lastNow = now;
            }
            Optional<Due> due = first();
            if (due.isEmpty() || due.get().at() > now) {
                due.ifPresent(this::sleep);
                break;
            }
            entries.remove(due.get().key());
            call(due.get());
        }
        looking = false;
        busy = false;
    }

    /** The next tick of an interval is no farther away than the interval. */
    private void clockWentBack() {
        entries.replaceAll((key, due) -> {
            At at = last().find(key.table(), key.id(), Job.class).orElseThrow().at();
            return at.interval() ? Math.min(due, now + at.micros()) : due;
        });
    }

    private Optional<Due> first() {
        return entries.entrySet().stream().map(e -> new Due(e.getKey(), e.getValue()))
                .reduce((a, b) -> b.at() < a.at() ? b : a);
    }

    private void sleep(Due due) {
        if (wake && wakeAt <= due.at()) {
            return;
        }
        wake = true;
        wakeAt = due.at() - now > SLEEP_MAX ? now + SLEEP_MAX : due.at();
        wakePassed = passed + wakeAt - now;
    }

    private void call(Due due) {
        Optional<Job> found = last().find(due.key().table(), due.key().id(), Job.class);
        if (found.isEmpty()) {
            return;
        }
        long timestamp = Math.max(now, due.at());
        if (due.key().table() == Table.JOB) {
            callJob(due, found.get(), timestamp);
        } else {
            callErrand(due, found.get(), timestamp);
        }
    }

    private void scheduled(Consumer<State> work) {
        try {
            transact(work).ifPresent(onScheduled);
        } catch (Refusal e) {
            // Nobody waits for it.
        }
    }

    private void delete(Key key) {
        scheduled(s -> s.table(key.table()).remove(key.id()));
    }

    private void callJob(Due due, Job job, long timestamp) {
        scheduled(s -> {
            countRun(s, job.label(), timestamp);
            switch (job.how()) {
                case 1 -> throw Refusal.error("as asked");
                case 2 -> throw Refusal.panic();
                case 3 -> s.table(Table.JOB).remove(job.id());
                case 4 -> s.table(Table.JOB).put(
                        job.id(), new Job(job.id(), new At(true, SECOND + job.label()), job.label(), 0));
                default -> { }
            }
        });
        Optional<Job> after = last().find(Table.JOB, job.id(), Job.class);
        if (after.isPresent() && after.get().at().interval()) {
            repeat(due, after.get().at());
        } else if (after.isPresent()) {
            delete(due.key());
        }
    }

    /** The next tick of an interval, the first of its grid behind now. */
    private void repeat(Due due, At at) {
        long length = at.micros();
        entries.put(due.key(), due.at() > now
                ? due.at() + length
                : now + length - Long.remainderUnsigned(now - due.at(), length));
    }

    private void callErrand(Due due, Job errand, long timestamp) {
        if (!errand.at().interval()) {
            delete(due.key());
        }
        if (errand.how() != 1) {
            scheduled(s -> {
                countRun(s, errand.label(), timestamp);
                if (errand.how() == 2) {
                    throw Refusal.panic();
                }
            });
        }
        if (errand.at().interval() && !entries.containsKey(due.key())) {
            repeat(due, errand.at());
        }
    }
}
