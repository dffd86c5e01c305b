package dev.geodesic.engine.host.abi;

/** Level of a module's log line (spec/module-abi.md 5.8). */
public enum LogLevel {
    ERROR("Error"),
    WARN("Warn"),
    INFO("Info"),
    DEBUG("Debug"),
    TRACE("Trace"),
    PANIC("Panic");

    private final String text;

    LogLevel(String text) {
        this.text = text;
    }

    static LogLevel of(int number) {
        return switch (number & 0xff) {
            case 0 -> ERROR;
            case 1 -> WARN;
            case 2 -> INFO;
            case 4 -> TRACE;
            case 101 -> PANIC;
            default -> DEBUG;
        };
    }

    /** As written into the log. */
    public String text() {
        return text;
    }
}
