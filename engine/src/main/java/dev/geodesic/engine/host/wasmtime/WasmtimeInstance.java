package dev.geodesic.engine.host.wasmtime;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Invariants;
import dev.geodesic.engine.host.runtime.GuestMemoryException;
import dev.geodesic.engine.host.runtime.HostCall;
import dev.geodesic.engine.host.runtime.TrapKind;
import dev.geodesic.engine.host.runtime.WasmFrame;
import dev.geodesic.engine.host.runtime.WasmInstance;
import dev.geodesic.engine.host.runtime.WasmTrapException;
import dev.geodesic.engine.port.WakeUps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A store with one instance in it.
 *
 * <p>Holds between calls: {@code spareTrap} and {@code spareError} are owned by us and not 0, so that an upcall that fails
 * needs no native call, however little stack is left; {@code pending} is null; {@code memory} covers {@code memoryBytes}
 * from {@code base}, which may be less than the guest has grown to.
 */
final class WasmtimeInstance implements WasmInstance, HostCall {

    private static final String MEMORY = "memory";
    private static final int FRAME_SLOTS = 16;
    private static final int TRACE_FRAMES_MAX = 64;
    private static final int TABLE_ELEMENTS_MAX = 1_000_000;
    /** However full the server is: without this much no program does anything, not even deleting rows. */
    private static final long MEMORY_BYTES_ALWAYS = 64 << 20;
    /** {@code wasmtime_extern_t}: kind, then the union. */
    private static final int EXTERN_BYTES = 32;
    private static final int EXTERN_UNION_OFFSET = 8;

    /** Finds the instance again in an upcall. A thread's box is written often, so it is not the ThreadLocal's value. */
    private static final ThreadLocal<Running> RUNNING = ThreadLocal.withInitial(Running::new);

    private static final class Running {
        private WasmtimeInstance instance;
    }

    private final WasmtimeRuntime runtime;
    private final Object attachment;
    private final Arena arena = Arena.ofShared();
    private final long store;
    private final long context;
    private final long instance;
    /** The memory's {@code wasmtime_extern_t} if the start section needed it. */
    private final MemorySegment externs = arena.allocate(EXTERN_BYTES, 8);
    private final long slots;
    private final long trapOut;
    private long[] functions = {};
    private long memoryHandle;
    private long memoryBytes;
    /** Of the memory, what the server knows of. */
    private long counted;
    private MemorySegment memory = MemorySegment.NULL;

    private long hostSlots;
    private long spareTrap;
    private long spareError;
    private Throwable pending;
    private List<WasmFrame> lastFrames = List.of();
    private boolean stopped;
    private long deadlineTick;
    private boolean running;
    private volatile boolean interrupted;
    private boolean closed;

    private WasmtimeInstance(WasmtimeRuntime runtime, Object attachment) {
        this.runtime = runtime;
        this.attachment = attachment;
        instance = arena.allocate(16, 8).address();
        slots = arena.allocate(FRAME_SLOTS * (long) NativeLibrary.SLOT_BYTES, 16).address();
        trapOut = arena.allocate(8, 8).address();
        store = runtime.newStore();
        context = NativeLibrary.STORE_CONTEXT.call(store);
        makeSpares();
        runtime.opened();
    }

    static WasmtimeInstance open(WasmtimeRuntime runtime, long pre, Object attachment, long memoryBytesMax, long millisMax) {
        WasmtimeInstance made = new WasmtimeInstance(runtime, attachment);
        try {
            made.instantiate(pre, memoryBytesMax, millisMax);
            return made;
        } catch (Throwable t) {
            made.close();
            throw t;
        }
    }

    private void instantiate(long pre, long memoryBytesMax, long millisMax) {
        long bytesMax = Math.min(memoryBytesMax, Math.max(MEMORY_BYTES_ALWAYS, runtime.memory().room()));
        NativeLibrary.STORE_LIMITER.call(store, bytesMax, TABLE_ELEMENTS_MAX, 1, 16, 1);
        NativeLibrary.STORE_EPOCH_CALLBACK.call(store, runtime.epochCallback(), 0, 0);
        NativeLibrary.CONTEXT_SET_EPOCH_DEADLINE.call(context, 1);
        Running box = begin(millisMax);
        WasmtimeInstance outer = box.instance;
        box.instance = this;
        long error;
        try {
            error = NativeLibrary.PRE_INSTANTIATE.call(pre, context, instance, trapOut);
        } finally {
            box.instance = outer;
            running = false;
        }
        long trap = NativeLibrary.getLong(trapOut);
        if (error != 0 && pending == null && !stopped && NativeLibrary.getLong(trapOut) == 0) {
            // Linking is done, so what is left to fail is a limit.
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "the module cannot be instantiated: "
                    + NativeLibrary.takeError(error) + " (limit memoryBytesMax is " + memoryBytesMax + ")");
        }
        if (error != 0 || trap != 0) {
            throw failure(error, trap);
        }
        memoryHandle = export(MEMORY);
        refreshMemory();
        count();
    }

    /** Address of a {@code wasmtime_func_t} or {@code wasmtime_memory_t}. */
    private long export(String name) {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment text = local.allocateFrom(name);
            long found = arena.allocate(EXTERN_BYTES, 8).address();
            Invariants.check(
                    NativeLibrary.EXPORT_GET.call(context, instance, text.address(), text.byteSize() - 1, found) != 0,
                    "no such export", "name", name, "runtime", "wasmtime");
            return found + EXTERN_UNION_OFFSET;
        }
    }

    @Override
    public int function(String name) {
        checkUsable();
        functions = Arrays.copyOf(functions, functions.length + 1);
        functions[functions.length - 1] = export(name);
        return functions.length - 1;
    }

    private void checkUsable() {
        if (closed || running) {
            throw new EngineException(ErrorCode.INTERNAL, closed ? "the instance is closed" : "the instance is running");
        }
    }

    private Running begin(long millisMax) {
        checkUsable();
        if (Thread.currentThread().isVirtual()) {
            throw new EngineException(ErrorCode.INTERNAL, "guests must run on a platform thread with a large stack");
        }
        setMillisLeft(millisMax);
        if (interrupted) {
            interrupted = false;
        }
        stopped = false;
        running = true;
        return RUNNING.get();
    }

    @Override
    public void setI32(int index, int value) {
        NativeLibrary.putLong(slot(index), value);
    }

    @Override
    public void setI64(int index, long value) {
        NativeLibrary.putLong(slot(index), value);
    }

    private long slot(int index) {
        if (index < 0 || index >= FRAME_SLOTS || closed) {
            throw new EngineException(ErrorCode.INTERNAL, closed ? "the instance is closed" : "no such argument slot");
        }
        return slots + (long) index * NativeLibrary.SLOT_BYTES;
    }

    @Override
    public int resultI32() {
        return NativeLibrary.getInt(slot(0));
    }

    @Override
    public void call(int function, long millisMax) {
        long target = functions[function];
        Running box = begin(millisMax);
        WasmtimeInstance outer = box.instance;
        box.instance = this;
        long error;
        try {
            error = (long) NativeLibrary.FUNC_CALL_UNCHECKED.invokeExact(context, target, slots, (long) FRAME_SLOTS, trapOut);
        } catch (Throwable t) {
            throw NativeLibrary.unexpected(t);
        } finally {
            box.instance = outer;
            running = false;
        }
        count();
        long trap = NativeLibrary.getLong(trapOut);
        if (error != 0 || trap != 0) {
            throw failure(error, trap);
        }
    }

    /** A guest's memory only grows; what it takes, the databases cannot have. */
    private void count() {
        try {
            long now = (long) NativeLibrary.MEMORY_DATA_SIZE.invokeExact(context, memoryHandle);
            if (now != counted) {
                runtime.memory().addOffHeap(now - counted);
                counted = now;
            }
        } catch (Throwable t) {
            throw NativeLibrary.unexpected(t);
        }
    }

    /** Takes apart how a call failed: by our own exception, by the deadline, or by a trap. */
    private RuntimeException failure(long error, long trap) {
        NativeLibrary.putLong(trapOut, 0);
        Throwable thrown = pending;
        pending = null;
        try (Arena local = Arena.ofConfined()) {
            long vector = local.allocate(16, 8).address();
            lastFrames = frames(error, trap, vector);
            TrapKind kind = TrapKind.OTHER;
            String message = "";
            if (error != 0) {
                if (thrown == null && !stopped) {
                    message = NativeLibrary.takeError(error);
                } else {
                    NativeLibrary.ERROR_DELETE.call(error);
                }
            }
            if (trap != 0) {
                long code = local.allocate(8, 8).address();
                if (NativeLibrary.TRAP_CODE.call(trap, code) != 0) {
                    kind = kind(NativeLibrary.getInt(code));
                }
                NativeLibrary.TRAP_MESSAGE.call(trap, vector);
                message = NativeLibrary.name(vector).replace("\0", ""); // it counts its terminator
                NativeLibrary.BYTE_VEC_DELETE.call(vector);
                NativeLibrary.TRAP_DELETE.call(trap);
            }
            makeSpares();
            if (thrown != null) {
                return NativeLibrary.unexpected(thrown);
            }
            return stopped
                    ? new WasmTrapException(TrapKind.INTERRUPTED, "the call ran too long or was interrupted", lastFrames)
                    : new WasmTrapException(kind, reason(message), lastFrames);
        }
    }

    /** The runtime puts the guest's stack in front of the reason. */
    private static String reason(String message) {
        int cause = message.lastIndexOf("wasm trap: ");
        if (cause >= 0) {
            return message.substring(cause + "wasm trap: ".length()).strip();
        }
        int caused = message.lastIndexOf("Caused by:");
        return message.substring(caused < 0 ? 0 : caused + "Caused by:".length()).strip();
    }

    private static List<WasmFrame> frames(long error, long trap, long vector) {
        if (trap != 0) {
            NativeLibrary.TRAP_TRACE.call(trap, vector);
        } else {
            NativeLibrary.ERROR_TRACE.call(error, vector);
        }
        long count = NativeLibrary.getLong(vector);
        long data = NativeLibrary.getLong(vector + 8);
        List<WasmFrame> list = new ArrayList<>();
        for (long i = 0; i < Math.min(count, TRACE_FRAMES_MAX); i++) {
            long frame = NativeLibrary.getLong(data + 8 * i);
            list.add(new WasmFrame(
                    NativeLibrary.name(NativeLibrary.FRAME_MODULE_NAME.call(frame)),
                    NativeLibrary.name(NativeLibrary.FRAME_FUNC_NAME.call(frame))));
        }
        NativeLibrary.FRAME_VEC_DELETE.call(vector);
        return List.copyOf(list);
    }

    /** {@code wasmtime_trap_code_enum}. */
    private static TrapKind kind(int code) {
        return switch (code) {
            case 0 -> TrapKind.STACK_OVERFLOW;
            case 1 -> TrapKind.MEMORY_OUT_OF_BOUNDS;
            case 3 -> TrapKind.TABLE_OUT_OF_BOUNDS;
            case 4 -> TrapKind.INDIRECT_CALL_TO_NULL;
            case 5 -> TrapKind.BAD_SIGNATURE;
            case 6 -> TrapKind.INTEGER_OVERFLOW;
            case 7 -> TrapKind.INTEGER_DIVISION_BY_ZERO;
            case 8 -> TrapKind.BAD_CONVERSION_TO_INTEGER;
            case 9 -> TrapKind.UNREACHABLE;
            case 10 -> TrapKind.INTERRUPTED;
            default -> TrapKind.OTHER;
        };
    }

    private void makeSpares() {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment text = local.allocateFrom("stopped by the host");
            if (spareTrap == 0) {
                spareTrap = NativeLibrary.TRAP_NEW.call(text.address(), text.byteSize() - 1);
            }
            if (spareError == 0) {
                spareError = NativeLibrary.ERROR_NEW.call(text.address());
            }
        }
    }

    /* Upcalls. */

    /** The instance that runs on this thread. */
    static WasmtimeInstance current() {
        return RUNNING.get().instance;
    }

    HostCall frame(long argumentSlots, long caller) {
        hostSlots = argumentSlots;
        if (memoryHandle == 0) {
            findMemory(caller);
        }
        return this;
    }

    /** In the start section the instance is not ours yet, only its exports are. */
    private void findMemory(long caller) {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment text = local.allocateFrom(MEMORY);
            long found = local.allocate(EXTERN_BYTES, 8).address();
            if (NativeLibrary.CALLER_EXPORT_GET.call(caller, text.address(), text.byteSize() - 1, found) != 0) {
                MemorySegment.copy(NativeLibrary.ALL, found, externs, 0, EXTERN_BYTES);
                memoryHandle = externs.address() + EXTERN_UNION_OFFSET;
                refreshMemory();
            }
        }
    }

    /** Keeps what a host function threw; returns the trap for the guest. */
    long raise(Throwable t) {
        pending = t;
        long trap = spareTrap;
        spareTrap = 0;
        return trap;
    }

    /** A tick has passed: 0 to go on until the next one, or an error. */
    long epoch(long delta) {
        if (isOverdue()) {
            return stop();
        }
        WakeUps.releaseOfThisThread();
        NativeLibrary.putLong(delta, 1);
        return 0;
    }

    long stop() {
        stopped = true;
        long error = spareError;
        spareError = 0;
        return error;
    }

    @Override
    public int i32(int index) {
        return NativeLibrary.getInt(hostSlots + (long) index * NativeLibrary.SLOT_BYTES);
    }

    @Override
    public long i64(int index) {
        return NativeLibrary.getLong(hostSlots + (long) index * NativeLibrary.SLOT_BYTES);
    }

    @Override
    public Object attachment() {
        return attachment;
    }

    @Override
    public boolean isOverdue() {
        return interrupted || runtime.tick() >= deadlineTick;
    }

    @Override
    public void setMillisLeft(long millis) {
        // One tick more, because the present one may be about to end.
        deadlineTick = runtime.tick() + Math.ceilDiv(millis, WasmtimeRuntime.TICK_MILLIS) + 1;
    }

    @Override
    public long at(int pointer, int length) {
        if (pointer == 0) {
            throw new GuestMemoryException("null pointer passed to a spacetime function");
        }
        long offset = Integer.toUnsignedLong(pointer);
        if (length < 0 || offset + length > memoryBytes) {
            if (memoryHandle != 0) {
                refreshMemory();
            }
            if (length < 0 || offset + length > memoryBytes) {
                throw new GuestMemoryException("out of bounds pointer passed to a spacetime function");
            }
        }
        return offset;
    }

    @Override
    public MemorySegment memory() {
        return memory;
    }

    /** The guest may have grown its memory; the runtime is set up so that it does not move. */
    private void refreshMemory() {
        try {
            long base = (long) NativeLibrary.MEMORY_DATA.invokeExact(context, memoryHandle);
            memoryBytes = (long) NativeLibrary.MEMORY_DATA_SIZE.invokeExact(context, memoryHandle);
            memory = MemorySegment.ofAddress(base).reinterpret(memoryBytes, arena, null);
        } catch (Throwable t) {
            throw NativeLibrary.unexpected(t);
        }
    }

    @Override
    public void interrupt() {
        interrupted = true;
    }

    @Override
    public List<WasmFrame> lastFrames() {
        return lastFrames;
    }

    @Override
    public long memoryBytes() {
        checkUsable();
        refreshMemory();
        return memoryBytes;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        checkUsable();
        closed = true;
        runtime.memory().addOffHeap(-counted);
        arena.close(); // first, so that nobody reads memory that the store gives back
        NativeLibrary.TRAP_DELETE.call(spareTrap);
        NativeLibrary.ERROR_DELETE.call(spareError);
        NativeLibrary.STORE_DELETE.call(store);
        runtime.released();
    }
}
