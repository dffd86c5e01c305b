package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.runtime.WasmFrame;
import it.unimi.dsi.fastutil.ints.Int2ObjectOpenHashMap;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The host's side of one instance: handles and the present call. Used by the thread that runs the instance.
 *
 * <p>A call is {@link #begin}, {@link #openSource} and {@link #openSink} for its arguments, the guest, {@link #end}. Sources,
 * sinks and iterators die with the call and their numbers start at 1 again; console timers outlive it (spec/module-abi.md
 * section 3).
 */
public final class GuestState {

    /** Timers outlive their call, so there may not be as many as other handles. */
    private static final int TIMERS_MAX = 1_024;
    private static final int SOURCES_KEPT = 64;

    /** Bytes on their way into the guest. */
    static final class ByteSource {
        final byte[] bytes;
        int position;

        ByteSource(byte[] bytes) {
            this.bytes = bytes;
        }
    }

    private record Timer(String name, Instant start) {
    }

    private final GuestOptions options;
    private final RowIterators iterators;
    /** Handle 1, nearly always the arguments and nearly always the only one. */
    private ByteSource firstSource;
    private final Int2ObjectOpenHashMap<ByteSource> sources = new Int2ObjectOpenHashMap<>();
    private int lastSource;
    private long sourceBytes;
    /** Handle 1 is the sink of the call; only handlers have another. */
    private final ByteSink sink = new ByteSink();
    private final ByteSink secondSink = new ByteSink();
    private int sinksOpen;
    private final List<Timer> timers = new ArrayList<>();
    private int immediateCalls;
    private long immediateBytes;
    private CallContext context = CallContext.IDLE;
    /** Null if no procedure or handler runs. */
    private ProcedureClock clock;
    private Optional<LogRecord> heldPanic = Optional.empty();

    public GuestState(GuestOptions options) {
        this.options = options;
        this.iterators = new RowIterators(options.limits().handlesMax(), options.limits().calls().iteratorBytesMax());
    }

    public GuestOptions options() {
        return options;
    }

    public void begin(CallContext call) {
        context = call;
        clock = call.procedure().isPresent() ? new ProcedureClock(options.limits()) : null;
    }

    /** Time for the guest of the call that has begun. */
    public long callMillis() {
        return clock == null ? options.limits().callMillisMax() : clock.guestMillisLeft();
    }

    /** Drops the handles of the call; a panic that did not trap is logged, a transaction that was left open rolled back. */
    public void end() {
        releasePanic(List.of());
        try {
            if (clock != null && context.hasTransaction()) {
                logAsHost("aborting dangling anonymous transaction in procedure " + context.function());
                context.setTransaction(null);
                context.procedure().orElseThrow().abort();
            }
        } finally {
            clear();
        }
    }

    private void clear() {
        iterators.clear();
        if (lastSource != 0) {
            firstSource = null;
            if (lastSource > 1) {
                sources.clear();
                sources.trim(SOURCES_KEPT);
            }
            lastSource = 0;
            sourceBytes = 0;
        }
        sinksOpen = 0;
        immediateCalls = 0;
        immediateBytes = 0;
        clock = null;
        context = CallContext.IDLE;
    }

    ProcedureClock clock() {
        return clock;
    }

    CallContext context() {
        return context;
    }

    RowIterators iterators() {
        return iterators;
    }

    /** Handle of a source with these bytes; 0 if there are none. Errors: LIMIT_EXCEEDED. */
    public int openSource(byte[] bytes) {
        return bytes.length == 0 ? 0 : register(bytes);
    }

    /** As {@link #openSource}, but empty bytes get a source too. */
    int register(byte[] bytes) {
        int max = options.limits().handlesMax();
        if (sourceCount() >= max) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "more than " + max + " open byte sources (limit handlesMax)");
        }
        long bytesMax = 2L * options.limits().messageBytesMax();
        if (bytes.length > bytesMax - sourceBytes) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED, "more than " + bytesMax + " bytes in open byte sources (limit messageBytesMax)");
        }
        sourceBytes += bytes.length;
        ByteSource source = new ByteSource(bytes);
        if (++lastSource == 1) {
            firstSource = source;
        } else {
            sources.put(lastSource, source);
        }
        return lastSource;
    }

    int sourceCount() {
        return sources.size() + (firstSource == null ? 0 : 1);
    }

    /** Errors: NO_SUCH_BYTES. */
    ByteSource source(int handle) {
        ByteSource source = handle == 1 ? firstSource : sources.get(handle);
        if (source == null) {
            throw new EngineException(ErrorCode.NO_SUCH_BYTES, "no such byte source");
        }
        return source;
    }

    void closeSource(int handle) {
        ByteSource closed = firstSource;
        if (handle == 1) {
            firstSource = null;
        } else {
            closed = sources.remove(handle);
        }
        sourceBytes -= closed.bytes.length;
    }

    /** Handle of the call's sink, emptied. */
    public int openSink(int bytesMax) {
        sink.reset(bytesMax);
        sinksOpen = 1;
        return 1;
    }

    /** Handle of another sink beside the one of {@link #openSink}. */
    public int openSecondSink(int bytesMax) {
        secondSink.reset(bytesMax);
        sinksOpen = 2;
        return 2;
    }

    /** What the guest wrote; valid until the next {@link #openSink}. */
    public ByteSink sink() {
        return sink;
    }

    public ByteSink secondSink() {
        return secondSink;
    }

    /** Errors: NO_SUCH_BYTES. */
    ByteSink sink(int handle) {
        if (handle < 1 || handle > sinksOpen) {
            throw new EngineException(ErrorCode.NO_SUCH_BYTES, "no such byte sink");
        }
        return handle == 1 ? sink : secondSink;
    }

    /** Queues a call. Errors: LIMIT_EXCEEDED. */
    void callSoon(String name, byte[] arguments) {
        int max = options.limits().handlesMax();
        int bytesMax = options.limits().messageBytesMax();
        if (immediateCalls == max || arguments.length > bytesMax - immediateBytes) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "more than " + max + " calls, or " + bytesMax
                    + " bytes of their arguments, scheduled at once (limits handlesMax, messageBytesMax)");
        }
        immediateCalls++;
        immediateBytes += arguments.length;
        options.immediateCalls().schedule(name, arguments);
    }

    /* Console. */

    int startTimer(String name) {
        Timer timer = new Timer(name, options.clock().instant());
        int index = timers.indexOf(null);
        if (index >= 0) {
            timers.set(index, timer);
            return index + 1;
        }
        if (timers.size() == TIMERS_MAX) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "more than " + TIMERS_MAX + " console timers");
        }
        timers.add(timer);
        return timers.size();
    }

    /** Errors: NO_SUCH_CONSOLE_TIMER. */
    void endTimer(int handle) {
        if (handle < 1 || handle > timers.size() || timers.get(handle - 1) == null) {
            throw new EngineException(ErrorCode.NO_SUCH_CONSOLE_TIMER, "no such console timer");
        }
        Timer timer = timers.set(handle - 1, null);
        Duration elapsed = Duration.between(timer.start(), options.clock().instant());
        log(LogLevel.INFO, Optional.empty(), Optional.empty(), OptionalInt.empty(),
                "Timing span " + RustText.quote(timer.name()) + ": " + RustText.duration(elapsed));
    }

    void log(LogLevel level, Optional<String> target, Optional<String> filename, OptionalInt line, String message) {
        LogRecord entry = new LogRecord(
                level, nowMicros(), target, filename, line, functionName(), message, List.of());
        if (level == LogLevel.PANIC) {
            // The runtime gives no stack inside a host call, so the line waits for the trap that follows.
            releasePanic(List.of());
            heldPanic = Optional.of(entry);
        } else {
            options.log().log(entry);
        }
    }

    private void logAsHost(String message) {
        Optional<String> host = Optional.of("__spacetimedb__");
        log(LogLevel.ERROR, host, host, OptionalInt.empty(), message);
    }

    /** Logs a panic that was held, with the guest's stack. */
    public void releasePanic(List<WasmFrame> trace) {
        if (heldPanic.isPresent()) {
            LogRecord p = heldPanic.get();
            heldPanic = Optional.empty();
            options.log().log(new LogRecord(p.level(), p.timestampMicros(), p.target(), p.filename(), p.line(), p.function(),
                    p.message(), trace.stream().map(RustText::demangle).toList()));
        }
    }

    private Optional<String> functionName() {
        return context.function().isEmpty() ? Optional.empty() : Optional.of(context.function());
    }

    long nowMicros() {
        Instant now = options.clock().instant();
        return Math.addExact(Math.multiplyExact(now.getEpochSecond(), 1_000_000L), now.getNano() / 1_000);
    }
}
