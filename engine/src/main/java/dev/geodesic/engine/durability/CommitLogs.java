package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.io.IOException;
import java.nio.file.Path;

/** Keeps the log of each database as files in its directory. */
public record CommitLogs(CommitLogOptions options) implements LogFactory {

    @Override
    public Durability open(Path directory, Replay replay) {
        try {
            return CommitLog.open(FileStorage.open(directory), options, replay);
        } catch (IOException e) {
            throw new EngineException(ErrorCode.STORAGE_FAILED, "the directory " + directory + " cannot be created: " + e, e);
        }
    }
}
