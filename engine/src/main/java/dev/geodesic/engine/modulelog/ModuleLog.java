package dev.geodesic.engine.modulelog;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.LogLevel;
import dev.geodesic.engine.host.abi.LogRecord;
import dev.geodesic.engine.host.abi.LogSink;
import dev.geodesic.sats.JsonWriter;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * The log of one database's module. Lines go to {@code YYYY-MM-DD.log} (UTC) and to followers; without a directory they are
 * kept in memory, up to a bound. A disk that refuses lines never stops the database: the lines are lost and the server's
 * own log says so once. Thread-safe.
 */
public final class ModuleLog implements LogSink, AutoCloseable {

    /** Target and file of lines that the host writes. */
    private static final String HOST = "__spacetimedb__";

    private static final System.Logger LOG = System.getLogger(ModuleLog.class.getName());
    private static final int MEMORY_LINES_MAX = 10_000;
    private static final int BUFFER_BYTES = 64 << 10;
    /** A second's lines may be as long as this on average, if there are as many as there may be. */
    private static final long LINE_BYTES_MEAN_MAX = 1 << 10;

    private final Optional<Path> directory;
    private final int linesPerSecondMax;
    private final long bytesPerSecondMax;
    private final InstantSource clock;
    private final Deque<String> memory = new ArrayDeque<>();
    private final List<Consumer<String>> followers = new CopyOnWriteArrayList<>();
    private final JsonWriter json = new JsonWriter();
    private LocalDate day;
    private OutputStream file;
    private boolean broken;
    private long second;
    private int linesInSecond;
    private long bytesInSecond;
    private int dropped;

    /** @param directory where the files go; empty to keep lines in memory only */
    public ModuleLog(Optional<Path> directory, Limits limits) {
        this(directory, limits, InstantSource.system());
    }

    ModuleLog(Optional<Path> directory, Limits limits, InstantSource clock) {
        this.directory = directory;
        this.linesPerSecondMax = limits.logLinesPerSecondMax();
        this.bytesPerSecondMax = LINE_BYTES_MEAN_MAX * linesPerSecondMax;
        this.clock = clock;
    }

    /** A line of the host, for instance a failed call. */
    public void hostError(String function, long timestampMicros, String message) {
        log(host(LogLevel.ERROR, Optional.of(function), timestampMicros, message));
    }

    /** A line of the host about the database as a whole. */
    public void hostInfo(String message) {
        log(host(LogLevel.INFO, Optional.of(HOST), nowMicros(), message));
    }

    private static LogRecord host(LogLevel level, Optional<String> function, long timestampMicros, String message) {
        return new LogRecord(
                level, timestampMicros, Optional.of(HOST), Optional.of(HOST), OptionalInt.empty(), function, message, List.of());
    }

    private long nowMicros() {
        Instant now = clock.instant();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }

    @Override
    public synchronized void log(LogRecord line) {
        long now = nowMicros();
        if (now / 1_000_000 != second) {
            tellOfDropped(now);
            second = now / 1_000_000;
            linesInSecond = 0;
            bytesInSecond = 0;
        }
        if (++linesInSecond > linesPerSecondMax || bytesInSecond > bytesPerSecondMax) {
            dropped++;
            return;
        }
        bytesInSecond += write(line, now);
    }

    private void tellOfDropped(long now) {
        if (dropped > 0) {
            int count = dropped;
            dropped = 0;
            write(host(LogLevel.WARN, Optional.of(HOST), now, count + " log lines were dropped: more than " + linesPerSecondMax
                    + " lines, or " + bytesPerSecondMax + " bytes, in a second"), now);
        }
    }

    /** Returns about how long the line is. */
    private int write(LogRecord line, long nowMicros) {
        String text = render(line);
        write(text, line.level(), nowMicros);
        return text.length();
    }

    private void write(String text, LogLevel level, long nowMicros) {
        followers.forEach(f -> f.accept(text));
        if (directory.isEmpty()) {
            memory.add(text);
            if (memory.size() > MEMORY_LINES_MAX) {
                memory.remove();
            }
            return;
        }
        try {
            LocalDate today = Instant.ofEpochSecond(nowMicros / 1_000_000).atZone(ZoneOffset.UTC).toLocalDate();
            if (!today.equals(day)) {
                closeFile();
                Files.createDirectories(directory.get());
                file = new BufferedOutputStream(
                        Files.newOutputStream(path(today), StandardOpenOption.CREATE, StandardOpenOption.APPEND), BUFFER_BYTES);
                day = today;
            }
            file.write(text.getBytes(StandardCharsets.UTF_8));
            file.write('\n');
            if (level != LogLevel.DEBUG && level != LogLevel.TRACE || !followers.isEmpty()) {
                file.flush();
            }
            broken = false;
        } catch (IOException e) {
            if (!broken) {
                LOG.log(System.Logger.Level.WARNING, "module log " + directory.get() + " cannot be written: " + e);
            }
            broken = true;
        }
    }

    private Path path(LocalDate date) {
        return directory.orElseThrow().resolve(date + ".log");
    }

    private String render(LogRecord line) {
        json.clear();
        json.beginObject().key("level").string(line.level().text()).key("ts").number(line.timestampMicros());
        line.target().ifPresent(t -> json.key("target").string(t));
        line.filename().ifPresent(f -> json.key("filename").string(f));
        line.line().ifPresent(l -> json.key("line_number").unsigned(Integer.toUnsignedLong(l)));
        line.function().ifPresent(f -> json.key("function").string(f));
        json.key("message").string(line.message());
        if (line.level() == LogLevel.PANIC) {
            json.key("trace").beginArray();
            line.trace().forEach(frame -> {
                json.beginObject();
                if (!frame.moduleName().isEmpty()) {
                    json.key("module_name").string(frame.moduleName());
                }
                if (!frame.functionName().isEmpty()) {
                    json.key("func_name").string(frame.functionName());
                }
                json.endObject();
            });
            json.endArray();
        }
        return json.endObject().toString();
    }

    /**
     * The last lines of the newest day, oldest first.
     *
     * @throws IOException if the file cannot be read
     */
    public synchronized List<String> tail(long linesMax) throws IOException {
        tellOfDropped(nowMicros());
        if (directory.isEmpty()) {
            return memory.stream().skip(Math.max(0, memory.size() - linesMax)).toList();
        }
        if (file != null) {
            file.flush();
        }
        Path newest = newest();
        if (newest == null) {
            return List.of();
        }
        ArrayDeque<String> lines = new ArrayDeque<>();
        try (var reader = Files.newBufferedReader(newest)) {
            String line;
            while ((line = reader.readLine()) != null) {
                lines.add(line);
                if (lines.size() > linesMax) {
                    lines.remove();
                }
            }
        }
        return new ArrayList<>(lines);
    }

    private Path newest() throws IOException {
        if (!Files.isDirectory(directory.orElseThrow())) {
            return null;
        }
        if (day != null) {
            // The clock may have been set back: the newest one is that which is written.
            return path(day);
        }
        try (var files = Files.list(directory.orElseThrow())) {
            return files.filter(f -> f.toString().endsWith(".log")).max(Path::compareTo).orElse(null);
        }
    }

    /**
     * The last lines, and from then on every new line, without a gap.
     *
     * @param follower called on the thread that logs; must not block
     * @return ends the following
     */
    public synchronized AutoCloseable follow(long linesMax, Consumer<String> follower) throws IOException {
        tail(linesMax).forEach(follower);
        followers.add(follower);
        return () -> followers.remove(follower);
    }

    private void closeFile() throws IOException {
        if (file != null) {
            file.close();
            file = null;
        }
    }

    @Override
    public synchronized void close() {
        tellOfDropped(nowMicros());
        try {
            closeFile();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "module log " + directory.orElseThrow() + " cannot be closed: " + e);
        }
        day = null;
    }
}
