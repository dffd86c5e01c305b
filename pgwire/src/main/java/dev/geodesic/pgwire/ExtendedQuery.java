package dev.geodesic.pgwire;

import dev.geodesic.pgwire.message.MessageWriter;
import dev.geodesic.pgwire.message.Payload;
import dev.geodesic.pgwire.message.PgException;
import dev.geodesic.pgwire.type.ParameterText;
import dev.geodesic.pgwire.type.PgType;
import dev.geodesic.pgwire.type.TextFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Prepared statements and portals of a session. A portal runs its statement when it is first executed, and then hands out
 * the rows; what they take is bounded for all connections together. Not thread-safe.
 */
final class ExtendedQuery {

    private static final int STATEMENTS_MAX = 1_000;
    private static final int PORTALS_MAX = 100;
    private static final long TEXT_CHARS_MAX = 2 << 20;
    private static final int PARAMETERS_MAX = 0xffff;
    private static final String UNNAMED = "";

    private final Executor executor;
    private final MemoryBudget memory;
    private final MessageWriter out;
    private final Map<String, Prepared> statements = new HashMap<>();
    private final Map<String, Portal> portals = new HashMap<>();
    private long textChars;

    /** A statement that was parsed. */
    private static final class Prepared {

        private final String text;
        private final Statement statement;
        /** As the client declared them, 0 where it left it open. */
        private final List<Integer> declared;

        Prepared(String text, Statement statement, List<Integer> declared) {
            this.text = text;
            this.statement = statement;
            this.declared = declared;
        }
    }

    /** A statement with its values, run or not. */
    private static final class Portal {

        private final Prepared prepared;
        private final List<String> parameters;
        private final RowSet.Formats formats;
        private long held;
        private Optional<List<RowSet.Column>> described = Optional.empty();
        /** Null before the first execution. */
        private Outcome outcome;
        private int sent;

        Portal(Prepared prepared, List<String> parameters, RowSet.Formats formats, long held) {
            this.prepared = prepared;
            this.parameters = parameters;
            this.formats = formats;
            this.held = held;
        }
    }

    ExtendedQuery(Executor executor, MemoryBudget memory, MessageWriter out) {
        this.executor = executor;
        this.memory = memory;
        this.out = out;
    }

    // ---- what is kept ----

    private void forget(String statement) {
        Prepared old = statements.remove(statement);
        if (old != null) {
            textChars -= old.text.length();
        }
    }

    private void close(String portal) {
        Portal old = portals.remove(portal);
        if (old != null) {
            memory.give(old.held);
        }
    }

    /** The transaction is over, and portals live no longer than that. */
    void closePortals() {
        List.copyOf(portals.keySet()).forEach(this::close);
    }

    /** A simple query takes the place of what has no name. */
    void closeUnnamed() {
        forget(UNNAMED);
        close(UNNAMED);
    }

    /** {@code all}, or one. */
    void deallocate(String statement) {
        (statement.equals("all") ? List.copyOf(statements.keySet()) : List.of(statement)).forEach(this::forget);
    }

    /** The session is over. */
    void closeAll() {
        closePortals();
        deallocate("all");
    }

    private Prepared statement(String name) {
        Prepared prepared = statements.get(name);
        if (prepared == null) {
            throw PgException.error("26000", "prepared statement \"" + name + "\" does not exist");
        }
        return prepared;
    }

    private Portal portal(String name) {
        Portal portal = portals.get(name);
        if (portal == null) {
            throw PgException.error("34000", "portal \"" + name + "\" does not exist");
        }
        return portal;
    }

    // ---- messages ----

    void parse(Payload message) throws IOException {
        String name = message.text();
        String text = message.text();
        int count = message.count(Integer.BYTES);
        List<Integer> types = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            types.add(message.int32());
        }
        message.end();
        if (name.equals(UNNAMED)) {
            forget(UNNAMED);
        } else if (statements.containsKey(name)) {
            throw PgException.error("42P05", "prepared statement \"" + name + "\" already exists");
        }
        if (statements.size() >= STATEMENTS_MAX || textChars + text.length() > TEXT_CHARS_MAX) {
            throw PgException.error("53400", "the session has too many prepared statements: close some");
        }
        statements.put(name, new Prepared(text, Statements.read(text), List.copyOf(types)));
        textChars += text.length();
        out.begin('1').end();
    }

    void bind(Payload message) throws IOException {
        String name = message.text();
        Prepared prepared = statement(message.text());
        int length = message.remaining();
        List<Boolean> binary = formats(message);
        int count = message.count(Integer.BYTES);
        if (binary.size() > 1 && binary.size() != count) {
            throw PgException.error(
                    "08P01", "bind message has " + binary.size() + " parameter formats but " + count + " parameters");
        }
        List<Integer> types = types(prepared, binary, count);
        List<String> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int bytes = message.int32();
            if (bytes == -1) {
                values.add(null);
                continue;
            }
            byte[] value = message.bytes(bytes);
            boolean isBinary = !binary.isEmpty() && binary.get(binary.size() == 1 ? 0 : i);
            values.add(isBinary ? ParameterText.ofBinary(types.get(i), value) : Payload.utf8(value));
        }
        RowSet.Formats formats = new RowSet.Formats(formats(message), TextFormat.Style.POSTGRES);
        message.end();
        if (name.equals(UNNAMED)) {
            close(UNNAMED);
        } else if (portals.containsKey(name)) {
            throw PgException.error("42P03", "portal \"" + name + "\" already exists");
        }
        if (portals.size() >= PORTALS_MAX) {
            throw PgException.error("53400", "the session has too many open portals: close some");
        }
        // A character takes up to two bytes, and bytes become two characters.
        long held = 4L * length;
        memory.take(held);
        portals.put(name, new Portal(prepared, values, formats, held));
        out.begin('2').end();
    }

    private static List<Boolean> formats(Payload message) {
        int count = message.count(Short.BYTES);
        List<Boolean> binary = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int code = message.int16();
            if (code != 0 && code != 1) {
                throw PgException.error("22023", "unsupported format code: " + code);
            }
            binary.add(code == 1);
        }
        return binary;
    }

    /** What values in binary form are: as declared, else as the statement needs them. */
    private List<Integer> types(Prepared prepared, List<Boolean> binary, int count) {
        boolean known = prepared.declared.size() >= count && prepared.declared.stream().limit(count).allMatch(t -> t != 0);
        return known || !binary.contains(true) ? fill(prepared.declared, List.of(), count)
                : fill(prepared.declared, executor.describe(prepared.statement).parameters(), count);
    }

    private static List<Integer> fill(List<Integer> declared, List<Integer> inferred, int count) {
        List<Integer> types = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int type = i < declared.size() ? declared.get(i) : 0;
            types.add(type != 0 ? type : i < inferred.size() ? inferred.get(i) : PgType.TEXT.oid());
        }
        return types;
    }

    void describe(Payload message) throws IOException {
        int kind = message.int8();
        String name = message.text();
        message.end();
        switch (kind) {
            case 'S' -> {
                Prepared prepared = statement(name);
                Executor.Description description = executor.describe(prepared.statement);
                List<Integer> types = fill(prepared.declared, description.parameters(),
                        Math.min(PARAMETERS_MAX, Math.max(prepared.declared.size(), description.parameters().size())));
                out.begin('t').int16(types.size());
                types.forEach(out::int32);
                out.end();
                describe(description.columns(), RowSet.Formats.TEXT);
            }
            case 'P' -> {
                Portal portal = portal(name);
                portal.described = executor.describe(portal.prepared.statement).columns();
                portal.described.ifPresent(columns -> portal.formats.check(columns.size()));
                describe(portal.described, portal.formats);
            }
            default -> throw PgException.protocol("invalid DESCRIBE message subtype " + kind);
        }
    }

    private void describe(Optional<List<RowSet.Column>> columns, RowSet.Formats formats) throws IOException {
        if (columns.isPresent()) {
            RowSet.describe(columns.get(), formats, out);
        } else {
            out.begin('n').end();
        }
    }

    void execute(Payload message) throws IOException {
        String name = message.text();
        int limit = message.int32();
        message.end();
        Portal portal = portal(name);
        if (portal.outcome == null) {
            run(portal);
        } else if (!(portal.outcome instanceof Outcome.Rows)) {
            throw PgException.error("55000", "portal \"" + name + "\" cannot be run");
        }
        switch (portal.outcome) {
            case Outcome.Empty empty -> out.begin('I').end();
            case Outcome.Done(String tag) -> out.begin('C').text(tag).end();
            case Outcome.Rows answer -> {
                RowSet rows = answer.rows();
                int end = limit <= 0 ? rows.count() : (int) Math.min(rows.count(), portal.sent + (long) limit);
                int first = portal.sent;
                for (; portal.sent < end; portal.sent++) {
                    out.begin('D');
                    rows.write(portal.sent, portal.formats, out);
                    out.end();
                }
                if (limit > 0 && end - first == limit) {
                    out.begin('s').end();
                } else {
                    out.begin('C').text(answer.tag(end - first)).end();
                }
            }
        }
    }

    private void run(Portal portal) throws IOException {
        Outcome outcome = executor.run(portal.prepared.statement, Optional.of(portal.parameters), Executor.Tags.POSTGRES);
        if (outcome instanceof Outcome.Rows answer) {
            RowSet rows = answer.rows();
            portal.formats.check(rows.columns().size());
            if (portal.described.isPresent() && !portal.described.get().equals(rows.columns())) {
                throw PgException.error("0A000", "cached plan must not change result type");
            }
            memory.take(rows.bytes());
            portal.held += rows.bytes();
        }
        portal.outcome = outcome;
    }

    void close(Payload message) throws IOException {
        int kind = message.int8();
        String name = message.text();
        message.end();
        switch (kind) {
            case 'S' -> forget(name);
            case 'P' -> close(name);
            default -> throw PgException.protocol("invalid CLOSE message subtype " + kind);
        }
        out.begin('3').end();
    }
}
