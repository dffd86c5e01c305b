package dev.geodesic.engine.host.runtime;

/** Types of parameters and results that a program may declare. Host functions use {@link #I32} and {@link #I64} only. */
public enum ValueType {
    I32("i32"),
    I64("i64"),
    F32("f32"),
    F64("f64"),
    V128("v128"),
    FUNCREF("funcref"),
    EXTERNREF("externref");

    private final String text;

    ValueType(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
