package dev.geodesic.engine.host.abi;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.http.HttpAnswer;
import dev.geodesic.engine.host.http.HttpRequest;
import dev.geodesic.engine.host.runtime.FunctionType;
import dev.geodesic.engine.host.runtime.GuestMemoryException;
import dev.geodesic.engine.host.runtime.HostCall;
import dev.geodesic.engine.host.runtime.HostFunction;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.host.runtime.WasmTrapException;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.KeyRange;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Every function that a module can import (spec/module-abi.md section 5). */
public final class HostFunctions {

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final int DONE = -1;
    private static final int OK = 0;
    private static final int NAME_BYTES_MAX = 64 << 10;
    private static final int TIMER_NAME_BYTES_MAX = 1 << 10;
    private static final int ENVIRONMENT_SOURCES_MAX = 256;
    private static final long HTTP_TIMEOUT_MICROS = 30_000_000;
    private static final long HTTP_TIMEOUT_MICROS_MAX = 180_000_000;

    /** What a function does; the result is an errno unless its row says otherwise. */
    private interface Handler {
        long call(GuestState guest, HostCall call);
    }

    private static final String SCAN_RANGE = "iiiiiiiii:i";
    private static final String SCAN_POINT = "iiii:i";

    /** All functions, to be linked into a runtime. */
    public static final List<HostFunction> TABLE = List.of(
            row(0, "table_id_from_name", "iii:i", HostFunctions::tableIdFromName),
            row(0, "index_id_from_name", "iii:i", HostFunctions::indexIdFromName),
            row(0, "datastore_table_row_count", "ii:i", HostFunctions::tableRowCount),
            row(0, "datastore_table_scan_bsatn", "ii:i", HostFunctions::tableScan),
            row(0, "datastore_index_scan_range_bsatn", SCAN_RANGE, HostFunctions::scanRange),
            row(0, "datastore_btree_scan_bsatn", SCAN_RANGE, HostFunctions::scanRange),
            row(0, "datastore_delete_by_index_scan_range_bsatn", SCAN_RANGE, HostFunctions::deleteRange),
            row(0, "datastore_delete_by_btree_scan_bsatn", SCAN_RANGE, HostFunctions::deleteRange),
            row(0, "datastore_delete_all_by_eq_bsatn", "iiii:i", HostFunctions::deleteAllByEq),
            row(0, "row_iter_bsatn_advance", "iii:i", HostFunctions::rowIterAdvance),
            row(0, "row_iter_bsatn_close", "i:i", HostFunctions::rowIterClose),
            row(0, "datastore_insert_bsatn", "iii:i", HostFunctions::insert),
            row(0, "datastore_update_bsatn", "iiii:i", HostFunctions::update),
            row(0, "bytes_sink_write", "iii:i", HostFunctions::bytesSinkWrite),
            row(0, "bytes_source_read", "iii:i", HostFunctions::bytesSourceRead),
            row(0, "console_log", "iiiiiiii:", HostFunctions::consoleLog),
            row(0, "console_timer_start", "ii:i", HostFunctions::consoleTimerStart),
            row(0, "console_timer_end", "i:i", HostFunctions::consoleTimerEnd),
            row(0, "identity", "i:", HostFunctions::identity),
            row(0, "volatile_nonatomic_schedule_immediate", "iiii:", HostFunctions::scheduleImmediate),
            row(1, "bytes_source_remaining_length", "ii:i", HostFunctions::bytesSourceRemainingLength),
            row(2, "get_jwt", "ii:i", HostFunctions::getJwt),
            row(3, "procedure_sleep_until", "I:I", HostFunctions::sleepUntil),
            row(3, "procedure_start_mut_tx", "i:i", HostFunctions::startTx),
            row(3, "procedure_commit_mut_tx", ":i", HostFunctions::commitTx),
            row(3, "procedure_abort_mut_tx", ":i", HostFunctions::abortTx),
            row(3, "procedure_http_request", "iiiii:i", HostFunctions::httpRequest),
            row(4, "datastore_index_scan_point_bsatn", SCAN_POINT, HostFunctions::scanPoint),
            row(4, "datastore_delete_by_index_scan_point_bsatn", SCAN_POINT, HostFunctions::deletePoint),
            row(5, "datastore_clear", "ii:i", HostFunctions::clear),
            row(6, "env_get", "iii:i", HostFunctions::environmentGet));

    private HostFunctions() {
    }

    private static HostFunction row(int since, String name, String type, Handler handler) {
        FunctionType signature = FunctionType.of(type);
        boolean hasErrno = signature.results().equals(FunctionType.of(":i").results()) && !name.equals("console_timer_start");
        return new HostFunction(AbiVersion.MODULE_PREFIX + "10." + since, name, signature, new Guarded(name, hasErrno, handler));
    }

    /** Turns what a handler throws into what the guest or its caller gets. A record, so that the JIT trusts its fields. */
    private record Guarded(String name, boolean hasErrno, Handler handler) implements HostFunction.Handler {

        @Override
        public long call(HostCall call) {
            if (call.isOverdue()) {
                throw new WasmTrapException(TrapKind.INTERRUPTED, "the call ran too long or was interrupted", List.of());
            }
            try {
                return handler.call((GuestState) call.attachment(), call);
            } catch (EngineException e) {
                ErrorCode code = e.code();
                if (code == ErrorCode.INTERNAL) {
                    throw e;
                }
                if (code == ErrorCode.GUEST_TIMEOUT) {
                    throw new WasmTrapException(TrapKind.INTERRUPTED, e.getMessage(), List.of());
                }
                if (hasErrno && code.errno() != 0) {
                    return code.errno();
                }
                throw new HostCallException(name, code.errno() != 0 ? ErrorCode.GUEST_TRAP : code, e.getMessage());
            } catch (BsatnException e) {
                if (hasErrno) {
                    return ErrorCode.BSATN_DECODE_ERROR.errno();
                }
                throw new HostCallException(name, ErrorCode.GUEST_TRAP, e.getMessage());
            } catch (GuestMemoryException e) {
                throw new HostCallException(name, ErrorCode.GUEST_TRAP, e.getMessage());
            } catch (StackOverflowError e) {
                // A guest can be deep in recursion when it calls; that is its fault, not the database's.
                throw new HostCallException(name, ErrorCode.GUEST_TRAP, "stack overflow");
            }
        }
    }

    private static EngineException trap(String message) {
        return new EngineException(ErrorCode.GUEST_TRAP, message);
    }

    /** An argument that is a u16. */
    private static int u16(int value) {
        if ((value & ~0xffff) != 0) {
            throw trap("u16 argument out of range");
        }
        return value;
    }

    /** A string that must be valid UTF-8. */
    private static String strict(HostCall call, int pointer, int length) {
        byte[] bytes = bytes(call, pointer, length, NAME_BYTES_MAX);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw trap("invalid utf8 passed to a spacetime function");
        }
    }

    private static byte[] bytes(HostCall call, int pointer, int length, int max) {
        long at = call.at(pointer, length);
        if (length > max) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "an argument is longer than " + max + " bytes");
        }
        byte[] bytes = new byte[length];
        MemorySegment.copy(call.memory(), ValueLayout.JAVA_BYTE, at, bytes, 0, length);
        return bytes;
    }

    /* Names. */

    private static long tableIdFromName(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        String name = strict(call, call.i32(0), call.i32(1));
        long out = call.at(call.i32(2), Integer.BYTES);
        call.memory().set(U32, out, tx.tableId(name));
        return OK;
    }

    private static long indexIdFromName(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        String name = strict(call, call.i32(0), call.i32(1));
        long out = call.at(call.i32(2), Integer.BYTES);
        call.memory().set(U32, out, tx.indexId(name));
        return OK;
    }

    /* Reading. */

    private static long tableRowCount(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        long out = call.at(call.i32(1), Long.BYTES);
        call.memory().set(U64, out, tx.rowCount(call.i32(0)));
        return OK;
    }

    private static long tableScan(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        return open(guest, call, call.at(call.i32(1), Integer.BYTES), tx.scan(call.i32(0)));
    }

    private static long open(GuestState guest, HostCall call, long out, RowIterator rows) {
        call.memory().set(U32, out, guest.iterators().open(rows));
        return OK;
    }

    private static long scanRange(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        KeyRange range = keyRange(call);
        return open(guest, call, call.at(call.i32(8), Integer.BYTES), tx.range(call.i32(0), range));
    }

    private static long deleteRange(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        KeyRange range = keyRange(call);
        long out = call.at(call.i32(8), Integer.BYTES);
        checkWritable(guest, tx, tx.tableOfIndex(call.i32(0)).tableId());
        return write(tx, call, () -> call.memory().set(U32, out, tx.deleteRange(call.i32(0), range)));
    }

    /** Arguments 1 to 7. Without prefix elements, pointer and length of the prefix are not read. */
    private static KeyRange keyRange(HostCall call) {
        int elements = u16(call.i32(3));
        int prefixLength = elements == 0 ? 0 : call.i32(2);
        long prefix = elements == 0 ? 0 : call.at(call.i32(1), prefixLength);
        long start = call.at(call.i32(4), call.i32(5));
        long end = call.at(call.i32(6), call.i32(7));
        return new KeyRange(call.memory(), prefix, prefixLength, elements, start, call.i32(5), end, call.i32(7));
    }

    private static long scanPoint(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        long key = call.at(call.i32(1), call.i32(2));
        long out = call.at(call.i32(3), Integer.BYTES);
        return open(guest, call, out, tx.point(call.i32(0), call.memory(), key, call.i32(2)));
    }

    private static long deletePoint(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        long key = call.at(call.i32(1), call.i32(2));
        long out = call.at(call.i32(3), Integer.BYTES);
        checkWritable(guest, tx, tx.tableOfIndex(call.i32(0)).tableId());
        return write(tx, call, () ->
                call.memory().set(U32, out, tx.deletePoint(call.i32(0), call.memory(), key, call.i32(2))));
    }

    /** Copies whole rows while they fit. The iterator stands on the first row not yet copied. */
    private static long rowIterAdvance(GuestState guest, HostCall call) {
        int handle = call.i32(0);
        RowIterator rows = guest.iterators().get(handle);
        long lengthAt = call.at(call.i32(2), Integer.BYTES);
        int capacity = call.memory().get(U32, lengthAt);
        long buffer = call.at(call.i32(1), capacity);
        MemorySegment memory = call.memory();
        int copied = 0;
        boolean more = !RowIterators.isEmpty(rows);
        while (more) {
            int length = rows.length();
            if (length > capacity - copied) {
                break;
            }
            MemorySegment.copy(rows.segment(), rows.offset(), memory, buffer + copied, length);
            copied += length;
            more = rows.next();
        }
        if (copied == 0 && more && rows.length() > capacity) {
            memory.set(U32, lengthAt, rows.length());
            return ErrorCode.BUFFER_TOO_SMALL.errno();
        }
        memory.set(U32, lengthAt, copied);
        if (more) {
            return OK;
        }
        guest.iterators().close(handle);
        return DONE;
    }

    private static long rowIterClose(GuestState guest, HostCall call) {
        guest.iterators().close(call.i32(0));
        return OK;
    }

    /* Writing. */

    /**
     * The catalogue is the host's: a guest that could write there could leave a database that never starts again. So are the
     * rows of views.
     */
    private static void checkWritable(GuestState guest, Transaction tx, int tableId) {
        CallContext context = guest.context();
        if (context.isWritable(tableId)) {
            return;
        }
        Optional<TableSchema> table = tx.table(tableId);
        if (table.isPresent()) {
            if (Integer.compareUnsigned(tableId, TableSchema.FIRST_USER_ID) < 0) {
                throw trap("system tables cannot be written by modules");
            }
            if (table.get().role().isView()) {
                throw trap("the rows of views cannot be written by modules");
            }
            context.setWritable(tableId);
        }
    }

    /** Does what may write many rows, for no longer than the call may run. */
    private static long write(Transaction tx, HostCall call, Runnable work) {
        tx.watch(call::isOverdue);
        try {
            work.run();
        } finally {
            tx.watch(() -> false);
        }
        return OK;
    }

    private static int rowLength(GuestState guest, HostCall call, long lengthAt) {
        int length = call.memory().get(U32, lengthAt);
        int max = guest.options().limits().rowBytesMax();
        if (Integer.compareUnsigned(length, max) > 0) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "a row of " + Integer.toUnsignedString(length)
                    + " bytes is longer than " + max + " bytes (limit rowBytesMax)");
        }
        return length;
    }

    private static long insert(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        long lengthAt = call.at(call.i32(2), Integer.BYTES);
        int length = rowLength(guest, call, lengthAt);
        long row = call.at(call.i32(1), length);
        checkWritable(guest, tx, call.i32(0));
        MemorySegment memory = call.memory();
        memory.set(U32, lengthAt, tx.insert(call.i32(0), memory, row, length));
        return OK;
    }

    private static long update(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        long lengthAt = call.at(call.i32(3), Integer.BYTES);
        int length = rowLength(guest, call, lengthAt);
        long row = call.at(call.i32(2), length);
        checkWritable(guest, tx, call.i32(0));
        MemorySegment memory = call.memory();
        memory.set(U32, lengthAt, tx.update(call.i32(0), call.i32(1), memory, row, length));
        return OK;
    }

    private static long deleteAllByEq(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        long rows = call.at(call.i32(1), call.i32(2));
        long out = call.at(call.i32(3), Integer.BYTES);
        checkWritable(guest, tx, call.i32(0));
        return write(tx, call, () ->
                call.memory().set(U32, out, tx.deleteAllByEq(call.i32(0), call.memory(), rows, call.i32(2))));
    }

    private static long clear(GuestState guest, HostCall call) {
        Transaction tx = guest.context().transaction();
        long out = call.at(call.i32(1), Long.BYTES);
        checkWritable(guest, tx, call.i32(0));
        return write(tx, call, () -> call.memory().set(U64, out, tx.clear(call.i32(0))));
    }

    /* Byte streams. */

    private static long bytesSourceRead(GuestState guest, HostCall call) {
        int handle = call.i32(0);
        GuestState.ByteSource source = guest.source(handle);
        long lengthAt = call.at(call.i32(2), Integer.BYTES);
        int capacity = call.memory().get(U32, lengthAt);
        long buffer = call.at(call.i32(1), capacity);
        int count = Math.min(capacity, source.bytes.length - source.position);
        MemorySegment memory = call.memory();
        MemorySegment.copy(source.bytes, source.position, memory, ValueLayout.JAVA_BYTE, buffer, count);
        source.position += count;
        memory.set(U32, lengthAt, count);
        if (source.position < source.bytes.length) {
            return OK;
        }
        guest.closeSource(handle);
        return DONE;
    }

    private static long bytesSourceRemainingLength(GuestState guest, HostCall call) {
        GuestState.ByteSource source = guest.source(call.i32(0));
        call.memory().set(U32, call.at(call.i32(1), Integer.BYTES), source.bytes.length - source.position);
        return OK;
    }

    private static long bytesSinkWrite(GuestState guest, HostCall call) {
        ByteSink sink = guest.sink(call.i32(0));
        long lengthAt = call.at(call.i32(2), Integer.BYTES);
        int length = call.memory().get(U32, lengthAt);
        long from = call.at(call.i32(1), length);
        sink.append(call.memory(), from, length);
        return OK;
    }

    /* Console. */

    /** Never fails: a line with a bad pointer is dropped. */
    private static long consoleLog(GuestState guest, HostCall call) {
        try {
            Optional<String> target = optionalText(call, call.i32(1), call.i32(2));
            Optional<String> filename = optionalText(call, call.i32(3), call.i32(4));
            int line = call.i32(5);
            String message = text(call, call.i32(6), call.i32(7), guest.options().limits().logLineBytesMax());
            guest.log(LogLevel.of(call.i32(0)), target, filename,
                    line < 0 ? OptionalInt.empty() : OptionalInt.of(line), message);
        } catch (GuestMemoryException e) {
            return OK;
        }
        return OK;
    }

    private static Optional<String> optionalText(HostCall call, int pointer, int length) {
        return pointer == 0 ? Optional.empty() : Optional.of(text(call, pointer, length, NAME_BYTES_MAX));
    }

    /** Bad bytes become U+FFFD; what is longer than {@code max} bytes is cut at a character and marked. */
    private static String text(HostCall call, int pointer, int length, int max) {
        long at = call.at(pointer, length);
        boolean cut = length > max;
        int count = cut ? max : length;
        if (cut) {
            while (count > max - 3 && count > 0
                    && (call.memory().get(ValueLayout.JAVA_BYTE, at + count) & 0xc0) == 0x80) {
                count--;
            }
        }
        byte[] bytes = new byte[count];
        MemorySegment.copy(call.memory(), ValueLayout.JAVA_BYTE, at, bytes, 0, count);
        String text = new String(bytes, StandardCharsets.UTF_8);
        return cut ? text + "... (cut)" : text;
    }

    private static long consoleTimerStart(GuestState guest, HostCall call) {
        return guest.startTimer(text(call, call.i32(0), call.i32(1), TIMER_NAME_BYTES_MAX));
    }

    private static long consoleTimerEnd(GuestState guest, HostCall call) {
        guest.endTimer(call.i32(0));
        return OK;
    }

    /* Procedures and handlers. */

    private static ProcedureHost procedure(GuestState guest, String function) {
        return guest.context().procedure().orElseThrow(() -> trap(function + " is only available in async instances"));
    }

    /** Does what may take long, which is not the guest's fault. */
    private static <T> T waitFor(GuestState guest, HostCall call, Supplier<T> work) {
        long since = ProcedureClock.now();
        try {
            return work.get();
        } finally {
            guest.clock().waitedSince(since);
            call.setMillisLeft(guest.clock().guestMillisLeft());
        }
    }

    private static long sleepUntil(GuestState guest, HostCall call) {
        ProcedureHost host = procedure(guest, "procedure_sleep_until");
        if (guest.context().hasTransaction()) {
            throw trap("a procedure cannot sleep while it holds a transaction open");
        }
        long wake = call.i64(0);
        long now = guest.nowMicros();
        if (wake <= now) {
            return now;
        }
        // The sleep ends with the procedure's time at the latest, and then this call with it.
        long left = TimeUnit.MILLISECONDS.toMicros(guest.clock().millisLeft());
        long until = wake - now < left ? wake : now + left;
        long then = waitFor(guest, call, () -> host.sleepUntil(until));
        if (until < wake || call.isOverdue()) {
            throw new EngineException(ErrorCode.GUEST_TIMEOUT, "the procedure ran too long or was interrupted");
        }
        return then;
    }

    private static long startTx(GuestState guest, HostCall call) {
        Optional<ProcedureHost> host = guest.context().procedure();
        if (host.isEmpty() || guest.context().hasTransaction()) {
            return ErrorCode.WOULD_BLOCK_TRANSACTION.errno();
        }
        long out = call.at(call.i32(0), Long.BYTES);
        ProcedureHost.Begun begun = waitFor(guest, call, () -> {
            ProcedureHost.Begun done = host.get().startTx();
            guest.context().setTransaction(done.transaction());
            guest.clock().beginTransaction();
            return done;
        });
        call.memory().set(U64, out, begun.micros());
        return OK;
    }

    private static long commitTx(GuestState guest, HostCall call) {
        return endTx(guest, call, ProcedureHost::commit);
    }

    private static long abortTx(GuestState guest, HostCall call) {
        return endTx(guest, call, ProcedureHost::abort);
    }

    private static long endTx(GuestState guest, HostCall call, Consumer<ProcedureHost> end) {
        Optional<ProcedureHost> host = guest.context().procedure();
        if (host.isEmpty() || !guest.context().hasTransaction()) {
            return ErrorCode.TRANSACTION_NOT_ANONYMOUS.errno();
        }
        guest.iterators().clear(); // they read the transaction's rows
        guest.context().setTransaction(null);
        guest.clock().endTransaction();
        return waitFor(guest, call, () -> {
            end.accept(host.get());
            return OK;
        });
    }

    private static long httpRequest(GuestState guest, HostCall call) {
        ProcedureHost host = procedure(guest, "procedure_http_request");
        if (guest.context().hasTransaction()) {
            return ErrorCode.WOULD_BLOCK_TRANSACTION.errno();
        }
        byte[] encoded = bytes(call, call.i32(0), call.i32(1), HttpRequest.BYTES_MAX);
        byte[] body = bytes(call, call.i32(2), call.i32(3), guest.options().limits().messageBytesMax());
        long out = call.at(call.i32(4), 2 * Integer.BYTES);
        HttpRequest request = HttpRequest.decode(encoded);
        long micros = Math.clamp(request.timeoutMicros().orElse(HTTP_TIMEOUT_MICROS), 0, HTTP_TIMEOUT_MICROS_MAX);
        long left = TimeUnit.MILLISECONDS.toMicros(guest.clock().millisLeft());
        HttpRequest bounded = new HttpRequest(request.method(), request.headers(),
                OptionalLong.of(Math.min(micros, left)), request.uri(), request.version());
        return switch (waitFor(guest, call, () -> host.http(bounded, body))) {
            case HttpAnswer.Received received -> {
                int response = guest.openSource(received.response().encode());
                int responseBody = guest.openSource(received.body());
                call.memory().set(U32, out, response);
                call.memory().set(U32, out + Integer.BYTES, responseBody);
                yield OK;
            }
            case HttpAnswer.Failed failed -> {
                BsatnWriter text = new BsatnWriter();
                text.writeString(failed.text());
                call.memory().set(U32, out, guest.openSource(text.toByteArray()));
                yield ErrorCode.HTTP_ERROR.errno();
            }
        };
    }

    /* The rest. */

    private static long identity(GuestState guest, HostCall call) {
        long out = call.at(call.i32(0), Identity.BYTE_COUNT);
        MemorySegment memory = call.memory();
        Identity database = guest.options().database();
        memory.set(U64, out, database.w0());
        memory.set(U64, out + 8, database.w1());
        memory.set(U64, out + 16, database.w2());
        memory.set(U64, out + 24, database.w3());
        return OK;
    }

    private static long getJwt(GuestState guest, HostCall call) {
        guest.context().transaction();
        long at = call.at(call.i32(0), ConnectionId.BYTE_COUNT);
        long out = call.at(call.i32(1), Integer.BYTES);
        MemorySegment memory = call.memory();
        ConnectionId connection = new ConnectionId(memory.get(U64, at), memory.get(U64, at + 8));
        String payload = connection.isNone() ? "" : guest.context().credentials(connection).orElse("");
        memory.set(U32, out, guest.openSource(payload.getBytes(StandardCharsets.UTF_8)));
        return OK;
    }

    private static long scheduleImmediate(GuestState guest, HostCall call) {
        String name = strict(call, call.i32(0), call.i32(1));
        byte[] arguments = bytes(call, call.i32(2), call.i32(3), guest.options().limits().messageBytesMax());
        guest.callSoon(name, arguments);
        return OK;
    }

    private static long environmentGet(GuestState guest, HostCall call) {
        if (guest.context().procedure().isEmpty()) {
            guest.context().transaction();
        }
        byte[] bytes = bytes(call, call.i32(0), call.i32(1), NAME_BYTES_MAX);
        long out = call.at(call.i32(2), Integer.BYTES);
        String key = new String(bytes, StandardCharsets.UTF_8);
        if (key.isEmpty() || key.indexOf('=') >= 0 || key.indexOf(0) >= 0 || key.indexOf('\ufffd') >= 0) {
            throw new EngineException(ErrorCode.HOST_CALL_FAILURE, "not a valid environment key");
        }
        String value = guest.options().environment().get().get(key);
        if (value == null) {
            call.memory().set(U32, out, 0);
            return OK;
        }
        if (guest.sourceCount() >= ENVIRONMENT_SOURCES_MAX) {
            throw new EngineException(ErrorCode.NO_SPACE, "too many sources are open");
        }
        call.memory().set(U32, out, guest.register(value.getBytes(StandardCharsets.UTF_8)));
        return OK;
    }
}
