package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.host.runtime.WasmFrame;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A line of a module's log (spec/execution.md section 9).
 *
 * @param timestampMicros since the Unix epoch
 * @param function canonical name of the reducer, view or procedure that runs or ran last
 * @param trace the guest's stack, innermost first; only for panics
 */
public record LogRecord(
        LogLevel level,
        long timestampMicros,
        Optional<String> target,
        Optional<String> filename,
        OptionalInt line,
        Optional<String> function,
        String message,
        List<WasmFrame> trace) {

    public LogRecord {
        trace = List.copyOf(trace);
    }
}
