package dev.geodesic.engine.host;

import static dev.geodesic.engine.host.RealTables.index;
import static dev.geodesic.engine.host.RealTables.table;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.Catalog;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.abi.ProcedureHost;
import dev.geodesic.engine.host.http.HttpAnswer;
import dev.geodesic.engine.host.http.HttpHeader;
import dev.geodesic.engine.host.http.HttpMethod;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.http.HttpResponse;
import dev.geodesic.engine.host.http.HttpVersion;
import dev.geodesic.engine.host.runtime.HostFunction;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.host.runtime.ValueType;
import dev.geodesic.engine.host.wasmtime.Wat;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.engine.tx.CommittedState;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.ReadRecorder;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.engine.tx.RecordingTransaction;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A guest that calls every import with whatever numbers it likes, against real tables. It never gets anything but a number
 * that the function may return, or a trap; the tables stay whole.
 *
 * <p>The guest runs a list of calls that it finds in its arguments: memory from {@value #DATA} on, then records of
 * {@value #RECORD} bytes (number of the function, up to nine arguments).
 */
@ExtendWith(GuestThread.class)
@Proves("module-abi.md 4")
@Proves("module-abi.md 5.1")
class WildGuestTest {

    private static final int MEMORY = 2 * 65_536;
    private static final int DATA = 64;
    private static final int DATA_BYTES = 8_192;
    private static final int CALLS = DATA + DATA_BYTES;
    private static final int RECORD = 80;
    private static final int CALLS_MAX = 40;

    private static final int PROCEDURE = 0;
    private static final int VIEW = 1;
    private static final Pattern WRITES = Pattern.compile("datastore_(insert|update|delete|clear).*");

    private static final int NOTES = 5_000;
    private static final int SMALL = 5_001;
    private static final int[] INDEXES = {5_101, 5_102, 5_103, 5_104, 5_105, 5_201, 5_202};

    /** What each function's arguments mean: Table, indeX, Pointer, Length, lOng, Handle, Elements, sIze behind a pointer, any. */
    private static final Map<String, String> ARGUMENTS = Map.ofEntries(
            Map.entry("table_id_from_name", "PLP"), Map.entry("index_id_from_name", "PLP"),
            Map.entry("datastore_table_row_count", "TP"), Map.entry("datastore_table_scan_bsatn", "TP"),
            Map.entry("datastore_index_scan_range_bsatn", "XPLEPLPLP"), Map.entry("datastore_btree_scan_bsatn", "XPLEPLPLP"),
            Map.entry("datastore_delete_by_index_scan_range_bsatn", "XPLEPLPLP"),
            Map.entry("datastore_delete_by_btree_scan_bsatn", "XPLEPLPLP"),
            Map.entry("datastore_delete_all_by_eq_bsatn", "TPLP"), Map.entry("row_iter_bsatn_advance", "HPI"),
            Map.entry("row_iter_bsatn_close", "H"), Map.entry("datastore_insert_bsatn", "TPI"),
            Map.entry("datastore_update_bsatn", "TXPI"), Map.entry("bytes_sink_write", "HPI"),
            Map.entry("bytes_source_read", "HPI"), Map.entry("console_log", "HPLPLAPL"),
            Map.entry("console_timer_start", "PL"), Map.entry("console_timer_end", "H"), Map.entry("identity", "P"),
            Map.entry("volatile_nonatomic_schedule_immediate", "PLPL"), Map.entry("bytes_source_remaining_length", "HP"),
            Map.entry("get_jwt", "PP"), Map.entry("procedure_sleep_until", "O"), Map.entry("procedure_start_mut_tx", "P"),
            Map.entry("procedure_commit_mut_tx", ""), Map.entry("procedure_abort_mut_tx", ""),
            Map.entry("procedure_http_request", "PLPLP"), Map.entry("datastore_index_scan_point_bsatn", "XPLP"),
            Map.entry("datastore_delete_by_index_scan_point_bsatn", "XPLP"), Map.entry("datastore_clear", "TP"),
            Map.entry("env_get", "PLP"));

    /** Numbers that each function may return besides 0, in transactions and outside of them (spec/module-abi.md 4, 5). */
    private static Set<Integer> allowed(String function) {
        return switch (function) {
            case "table_id_from_name", "datastore_table_row_count", "datastore_table_scan_bsatn", "datastore_clear" ->
                Set.of(2, 4);
            case "index_id_from_name" -> Set.of(2, 5);
            case "datastore_index_scan_range_bsatn", "datastore_btree_scan_bsatn",
                    "datastore_delete_by_index_scan_range_bsatn", "datastore_delete_by_btree_scan_bsatn" -> Set.of(2, 3, 5, 10);
            case "datastore_index_scan_point_bsatn", "datastore_delete_by_index_scan_point_bsatn" -> Set.of(2, 3, 5);
            case "datastore_delete_all_by_eq_bsatn" -> Set.of(2, 3, 4);
            case "row_iter_bsatn_advance" -> Set.of(-1, 6, 11);
            case "row_iter_bsatn_close" -> Set.of(6);
            case "datastore_insert_bsatn" -> Set.of(2, 3, 4, 12, 16);
            case "datastore_update_bsatn" -> Set.of(2, 3, 4, 5, 12, 14, 15, 16);
            case "bytes_sink_write" -> Set.of(8, 9);
            case "bytes_source_read" -> Set.of(-1, 8);
            case "bytes_source_remaining_length" -> Set.of(8);
            case "console_timer_end" -> Set.of(7);
            case "get_jwt" -> Set.of(2);
            case "env_get" -> Set.of(1, 2, 9);
            case "procedure_start_mut_tx" -> Set.of(17);
            case "procedure_commit_mut_tx", "procedure_abort_mut_tx" -> Set.of(18);
            case "procedure_http_request" -> Set.of(3, 17, 21);
            default -> Set.of();
        };
    }

    private final Guests guests = new Guests();
    private final Map<String, TreeSet<Integer>> seen = new TreeMap<>();

    private static String wat() {
        StringBuilder cases = new StringBuilder();
        int count = HostFunctions.TABLE.size();
        cases.append("(block $done ");
        for (int i = count; i >= 0; i--) {
            cases.append("(block $b").append(i).append(' ');
        }
        cases.append("(br_table ");
        for (int i = 0; i <= count; i++) {
            cases.append("$b").append(i).append(' ');
        }
        cases.append("(i32.load (local.get $r))))");
        for (int i = 0; i < count; i++) {
            HostFunction function = HostFunctions.TABLE.get(i);
            StringBuilder call = new StringBuilder("(call $" + function.name());
            for (int p = 0; p < function.type().parameters().size(); p++) {
                String type = function.type().parameters().get(p) == ValueType.I64 ? "i64" : "i32";
                call.append(" (").append(type).append(".load offset=").append(8 + 8 * p).append(" (local.get $r))");
            }
            call.append(')');
            // The result goes where the number of the function was.
            String result = function.type().results().isEmpty()
                    ? call + " (i32.store (local.get $r) (i32.const 0))"
                    : function.type().results().getFirst() == ValueType.I64
                            ? "(drop " + call + ") (i32.store (local.get $r) (i32.const 0))"
                            : "(i32.store (local.get $r) " + call + ")";
            cases.append(result).append(" (br $done))\n");
        }
        cases.append("unreachable)");
        String run = """
                (i32.store (i32.const 40) (i32.const 60000))
                (if (i32.ne (call $bytes_source_read (local.get $args) (i32.const 64) (i32.const 40)) (i32.const -1))
                  (then unreachable))
                (local.set $n (i32.add (i32.load (i32.const 40)) (i32.const 64)))
                (local.set $r (i32.const %d))
                (block $end (loop $next
                  (br_if $end (i32.ge_u (local.get $r) (local.get $n)))
                  %s
                  (local.set $r (i32.add (local.get $r) (i32.const %d)))
                  (br $next)))
                (local.set $r (i32.const %d))
                (block $end (loop $next
                  (br_if $end (i32.ge_u (local.get $r) (local.get $n)))
                  (i32.store8 (i32.const 48) (i32.add (i32.const 33) (i32.load (local.get $r))))
                  (i32.store (i32.const 40) (i32.const 1))
                  (drop (call $bytes_sink_write (local.get $err) (i32.const 48) (i32.const 40)))
                  (local.set $r (i32.add (local.get $r) (i32.const %d)))
                  (br $next)))
                """.formatted(CALLS, cases, RECORD, CALLS, RECORD);
        String imports = Guests.imports(HostFunctions.TABLE.stream().map(HostFunction::name)
                .filter(n -> !n.equals("bytes_sink_write")).toArray(String[]::new));
        return Guests.module(imports, Guests.procedure(run + "(i32.const 0)"), run + "(i32.const 1)");
    }

    /** One database and its guest. */
    private final class Run implements AutoCloseable, ProcedureHost {

        private final Random random;
        private final CommittedState committed = new CommittedState(new HeapStores());
        private final Catalog catalog = Catalog.bootstrap(committed);
        private final MutTx tx = new MutTx(committed, guests.limits, catalog);
        private final ModuleHost host;
        private ModuleInstance async;
        private final List<Integer> kinds = new ArrayList<>();

        Run(byte[] wasm, Random random) {
            this.random = random;
            host = guests.load(wasm);
            async = host.newAsyncInstance();
            tx.begin();
            catalog.createTable(tx, table(NOTES, "notes",
                    List.of(PrimitiveType.U32, PrimitiveType.STRING, PrimitiveType.F32, PrimitiveType.U16), List.of(
                            index(5_101, true, new IndexAlgorithm.BTree(List.of(0))),
                            index(5_102, false, new IndexAlgorithm.BTree(List.of(1))),
                            index(5_103, false, new IndexAlgorithm.BTree(List.of(3, 1, 2))),
                            index(5_104, false, new IndexAlgorithm.Hash(List.of(2, 3))),
                            index(5_105, true, new IndexAlgorithm.Hash(List.of(0, 1)))),
                    List.of(new SequenceSchema(5_301, "s", 0, BigInteger.ONE, BigInteger.ONE, BigInteger.ONE,
                            BigInteger.valueOf(0xffff_ffffL)))));
            catalog.createTable(tx, table(SMALL, "small", List.of(PrimitiveType.U8, new ArrayType(PrimitiveType.U16)), List.of(
                    index(5_201, true, new IndexAlgorithm.Direct(0)),
                    index(5_202, false, new IndexAlgorithm.BTree(List.of(1)))), List.of()));
            commit();
        }

        @Override
        public void close() {
            async.close();
            host.close();
            if (tx.isOpen()) {
                tx.rollback();
            }
            committed.close();
        }

        // ---- the host of procedures ----

        @Override
        public Begun startTx() {
            return new Begun(tx.begin(), random.nextLong());
        }

        @Override
        public void commit() {
            committed.apply(tx.finish());
            tx.end();
        }

        @Override
        public void abort() {
            tx.rollback();
        }

        @Override
        public HttpAnswer http(HttpRequest request, byte[] body) {
            assertTrue(request.timeoutMicros().orElseThrow() >= 0);
            return random.nextBoolean()
                    ? new HttpAnswer.Failed("no")
                    : new HttpAnswer.Received(new HttpResponse(request.headers(), HttpVersion.HTTP_2, 200), body);
        }

        @Override
        public long sleepUntil(long micros) {
            return micros;
        }

        // ---- one call ----

        private byte[] row(int table) {
            BsatnWriter out = new BsatnWriter();
            if (table == NOTES) {
                out.writeU32(random.nextInt(4));
                out.writeString("x".repeat(random.nextInt(3)));
                out.writeF32(random.nextInt(4) == 0 ? -0.0f : random.nextInt(3));
                out.writeU16(random.nextInt(3));
            } else {
                out.writeU8(random.nextInt(4));
                int count = random.nextInt(3);
                out.writeU32(count);
                out.writeRaw(new byte[2 * count]);
            }
            return out.toByteArray();
        }

        /** A memory full of things that calls may want: rows, keys, bounds, names, requests, lengths, noise. */
        private byte[] data(List<Integer> starts, List<Integer> lengths) {
            BsatnWriter out = new BsatnWriter();
            kinds.clear();
            while (out.length() < DATA_BYTES - 500) {
                int from = out.length();
                kinds.add(random.nextInt(8));
                switch (kinds.getLast()) {
                    case 0 -> out.writeRaw(row(NOTES));
                    case 1 -> out.writeRaw(row(SMALL));
                    case 2 -> {
                        out.writeU8(random.nextInt(3));
                        out.writeRaw(row(random.nextBoolean() ? NOTES : SMALL), 0, random.nextInt(5));
                    }
                    case 3 -> out.writeRaw(List.of("notes", "small", "i5101", "i5202", "st_table", "KEY", "EMPTY", "")
                            .get(random.nextInt(8)).getBytes(StandardCharsets.UTF_8));
                    case 4 -> {
                        out.writeU32(2);
                        int table = random.nextBoolean() ? NOTES : SMALL;
                        out.writeRaw(row(table));
                        out.writeRaw(row(table));
                    }
                    case 5 -> out.writeRaw(new HttpRequest(new HttpMethod("GET"),
                            List.of(new HttpHeader("a", new byte[random.nextInt(3)])), OptionalLong.of(random.nextLong()),
                            "http://x", HttpVersion.HTTP_1_1).encode());
                    case 6 -> {
                        byte[] noise = new byte[random.nextInt(50)];
                        random.nextBytes(noise);
                        out.writeRaw(noise);
                    }
                    default -> out.writeU32(random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(100));
                }
                starts.add(from);
                lengths.add(out.length() - from);
            }
            byte[] bytes = new byte[DATA_BYTES];
            System.arraycopy(out.buffer(), 0, bytes, 0, out.length());
            return bytes;
        }

        private long wild() {
            return switch (random.nextInt(8)) {
                case 0 -> 0;
                case 1 -> -1;
                case 2 -> random.nextInt(10);
                case 3 -> MEMORY - 1 - random.nextInt(9);
                case 4 -> random.nextInt(25); // a system table
                case 5 -> Integer.MIN_VALUE;
                case 6 -> 65_536 + random.nextInt(2);
                default -> random.nextLong();
            };
        }

        /** A function; one that always ends the call of this kind comes rarely. */
        private int function(int kind) {
            int at;
            boolean ends;
            do {
                at = random.nextInt(HostFunctions.TABLE.size());
                String name = HostFunctions.TABLE.get(at).name();
                ends = name.equals("procedure_sleep_until") || kind != PROCEDURE && name.equals("procedure_http_request")
                        || kind == VIEW && WRITES.matcher(name).matches();
            } while (ends && random.nextInt(20) > 0);
            return at;
        }

        private byte[] program(int kindOfCall, List<String> called) {
            List<Integer> starts = new ArrayList<>();
            List<Integer> lengths = new ArrayList<>();
            byte[] data = data(starts, lengths);
            BsatnWriter out = new BsatnWriter();
            double wildness = random.nextBoolean() ? 0 : random.nextDouble() * 0.1;
            int calls = 1 + random.nextInt(CALLS_MAX);
            for (int i = 0; i < calls; i++) {
                int at = function(kindOfCall);
                HostFunction function = HostFunctions.TABLE.get(at);
                called.add(function.name());
                BsatnWriter call = new BsatnWriter();
                call.writeU64(at);
                int thing = random.nextInt(starts.size());
                int table = random.nextBoolean() ? NOTES : SMALL;
                boolean writes =
                        function.name().equals("datastore_insert_bsatn") || function.name().equals("datastore_update_bsatn");
                for (char kind : ARGUMENTS.get(function.name()).toCharArray()) {
                    if (kind == 'P' && writes) {
                        thing = rowOf(table, starts.size());
                    } else if (kind == 'P' && random.nextInt(3) > 0) {
                        thing = random.nextInt(starts.size());
                    }
                    long value = switch (kind) {
                        case 'T' -> table;
                        case 'X' -> writes && random.nextInt(3) > 0
                                ? table == NOTES ? INDEXES[0] : INDEXES[5]
                                : INDEXES[random.nextInt(INDEXES.length)];
                        case 'P' -> DATA + starts.get(thing);
                        case 'L' -> lengths.get(thing);
                        case 'H' -> 1 + random.nextInt(3);
                        case 'E' -> random.nextInt(3);
                        case 'I' -> size(data, starts.get(thing), lengths.get(thing));
                        default -> random.nextInt(3) == 0 ? random.nextLong() : 1_000_000_000_000L + random.nextInt(1_000);
                    };
                    call.writeU64(random.nextDouble() < wildness ? wild() : value);
                }
                out.writeRaw(call.toByteArray());
                out.writeRaw(new byte[RECORD - call.length()]);
            }
            byte[] program = new byte[DATA_BYTES + out.length()];
            System.arraycopy(data, 0, program, 0, DATA_BYTES);
            System.arraycopy(out.buffer(), 0, program, DATA_BYTES, out.length());
            return program;
        }

        /** Something that is a row of the table, if there is any. */
        private int rowOf(int table, int things) {
            for (int tries = 0; tries < 100; tries++) {
                int thing = random.nextInt(things);
                if (kinds.get(thing) == (table == NOTES ? 0 : 1)) {
                    return thing;
                }
            }
            return 0;
        }

        /** Puts a length at the end of the memory and points there; some calls overwrite each other's. */
        private long size(byte[] data, int start, int length) {
            int at = DATA_BYTES - 400 + 4 * random.nextInt(100);
            int size = switch (random.nextInt(8)) {
                case 0 -> random.nextInt(70_000);
                case 1 -> random.nextInt(20);
                default -> length;
            };
            for (int i = 0; i < 4; i++) {
                data[at + i] = (byte) (size >>> 8 * i);
            }
            return DATA + at;
        }

        void step() {
            List<String> called = new ArrayList<>();
            int kind = random.nextInt(3);
            byte[] program = program(kind, called);
            if (kind == PROCEDURE) {
                procedure(program, called);
            } else {
                reducer(program, called, kind == VIEW);
            }
            checkTables();
        }

        private void reducer(byte[] program, List<String> called, boolean reading) {
            tx.begin();
            var context = CallContext.inTransaction("wild", reading ? new RecordingTransaction(tx, NOBODY) : tx,
                    c -> Optional.of("{}"));
            ReducerOutcome outcome = host.main().callReducer(
                    context, 0, Guests.SENDER, new ConnectionId(0, 0), 0, program);
            switch (outcome) {
                case ReducerOutcome.Failed failed -> checkResults(failed.message().getBytes(StandardCharsets.UTF_8), called);
                case ReducerOutcome.Trapped trapped -> checkTrap(trapped.kind(), trapped.code(), trapped.message());
                default -> throw new AssertionError(outcome.toString());
            }
            if (outcome instanceof ReducerOutcome.Failed && random.nextBoolean()) {
                commit();
            } else {
                tx.rollback();
            }
        }

        private void procedure(byte[] program, List<String> called) {
            if (async.isDead()) {
                async.close();
                async = host.newAsyncInstance();
            }
            ProcedureOutcome outcome = async.callProcedure(CallContext.procedure("wild", this, c -> Optional.of("{}")),
                    0, Guests.SENDER, new ConnectionId(0, 0), 0, program);
            assertFalse(tx.isOpen());
            switch (outcome) {
                case ProcedureOutcome.Returned returned -> checkResults(returned.value(), called);
                case ProcedureOutcome.Trapped trapped -> checkTrap(trapped.kind(), trapped.code(), trapped.message());
                case ProcedureOutcome.TimedOut t -> assertTrue(called.contains("procedure_sleep_until"));
            }
        }

        private void checkTrap(TrapKind kind, ErrorCode code, String message) {
            assertEquals(TrapKind.HOST, kind, message);
            assertTrue(code == ErrorCode.GUEST_TRAP || code == ErrorCode.LIMIT_EXCEEDED, message);
            assertTrue(message.startsWith("runtime error calling "), message);
        }

        /** The sink may hold what the guest wrote before; the results are its end. */
        private void checkResults(byte[] sink, List<String> called) {
            for (int i = 0; i < called.size(); i++) {
                String function = called.get(i);
                int result = sink[sink.length - called.size() + i] - 33;
                if (!function.equals("console_timer_start")) {
                    seen.computeIfAbsent(function, f -> new TreeSet<>()).add(result);
                }
            }
        }

        private void checkTables() {
            ReadView view = committed.writerView();
            for (int id : new int[] {NOTES, SMALL}) {
                TableSchema schema = view.table(id).orElseThrow();
                RowLayout layout = RowLayout.of(schema.rowType());
                long count = 0;
                RowIterator all = view.scan(id);
                while (all.next()) {
                    assertEquals(all.length(), layout.validate(all.segment(), all.offset(), all.length()));
                    count++;
                }
                assertEquals(count, view.rowCount(id));
                for (IndexSchema index : schema.indexes()) {
                    if (index.algorithm().isOrdered()) {
                        RowIterator ordered = view.range(index.indexId(),
                                new KeyRange(MemorySegment.ofArray(new byte[] {2}), 0, 0, 0, 0, 1, 0, 1));
                        long found = 0;
                        while (ordered.next()) {
                            found++;
                        }
                        assertEquals(count, found, index.name());
                    }
                }
            }
        }
    }

    private static final ReadRecorder NOBODY = new ReadRecorder() {
        @Override
        public void wholeTable(int tableId) {
            // not of interest
        }

        @Override
        public void point(int indexId, byte[] key) {
            assertTrue(key.length > 0);
        }
    };

    @Test
    void getsNothingButErrorsAndTraps() {
        byte[] wasm = Wat.toWasm(wat());
        guests.limits = Limits.DEFAULTS;
        try (guests) {
            Seeds.repeat(4, random -> {
                try (Run run = new Run(wasm, random)) {
                    for (int i = 0; i < 300; i++) {
                        run.step();
                        guests.log.clear();
                        guests.scheduled.clear();
                    }
                }
            });
        }
        assertTrue(seen.get("datastore_insert_bsatn").containsAll(Set.of(0, 12))
                && seen.get("row_iter_bsatn_advance").contains(-1), "the guest gets somewhere: " + seen);
        seen.forEach((function, results) -> results.forEach(result ->
                assertTrue(result == 0 || allowed(function).contains(result), function + " returned " + result)));
        assertEquals(HostFunctions.TABLE.size() - 1, seen.size(), "every function was called: " + seen.keySet());
    }
}
