package dev.geodesic.engine.host.runtime;

import java.util.List;

/** The guest trapped. The message is the runtime's reason, without the guest's stack. Without Java stack trace. */
public final class WasmTrapException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final TrapKind kind;
    private final transient List<WasmFrame> frames;

    public WasmTrapException(TrapKind kind, String message, List<WasmFrame> frames) {
        super(message, null, false, false);
        this.kind = kind;
        this.frames = List.copyOf(frames);
    }

    public TrapKind kind() {
        return kind;
    }

    /** Innermost first. */
    public List<WasmFrame> frames() {
        return frames;
    }
}
