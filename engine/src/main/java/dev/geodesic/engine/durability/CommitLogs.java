package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.Storage;
import java.io.IOException;
import java.nio.file.Path;

/** Keeps the log of each database as files in its directory. */
public record CommitLogs(CommitLogOptions options, Disk disk) implements LogFactory {

    /** In the file system. */
    public CommitLogs(CommitLogOptions options) {
        this(options, FileStorage::open);
    }

    @Override
    public Durability open(Path directory, LogStart start, Replay replay) {
        try {
            return CommitLog.open(disk.open(directory), options, start, replay);
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the directory " + directory + " cannot be created: " + e, e);
        }
    }

    @Override
    public void begin(Path directory, long offset) {
        try (Storage storage = disk.open(directory)) {
            storage.create(LogFormat.fileName(offset, LogFormat.BEGIN_SUFFIX)).close();
            storage.force();
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the log in " + directory + " cannot be made: " + e, e);
        }
    }
}
