package dev.geodesic.engine.host.abi;

/** Receives the log of a module. Called from the threads that run guests; must not block and must not throw. */
public interface LogSink {

    void log(LogRecord line);
}
