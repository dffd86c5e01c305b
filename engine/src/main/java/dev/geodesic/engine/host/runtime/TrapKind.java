package dev.geodesic.engine.host.runtime;

/** Why a guest was stopped. */
public enum TrapKind {
    STACK_OVERFLOW,
    MEMORY_OUT_OF_BOUNDS,
    TABLE_OUT_OF_BOUNDS,
    INDIRECT_CALL_TO_NULL,
    BAD_SIGNATURE,
    INTEGER_OVERFLOW,
    INTEGER_DIVISION_BY_ZERO,
    BAD_CONVERSION_TO_INTEGER,
    /** The {@code unreachable} instruction: how Rust ends a panic. */
    UNREACHABLE,
    /** The deadline has passed, or {@link WasmInstance#interrupt} was called. */
    INTERRUPTED,
    /** A host function refused to go on. */
    HOST,
    OTHER
}
