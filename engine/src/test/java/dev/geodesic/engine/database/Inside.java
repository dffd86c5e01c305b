package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.SigningKeys;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import java.util.concurrent.ExecutorService;

/** What tests of other packages may do with a server that nobody else may. */
public final class Inside {

    private Inside() {
    }

    /**
     * Starts a server on a runtime that it closes in the end.
     *
     * @param keys used instead of its own, because checking these takes time
     * @param snapshots takes its snapshots; shut down in the end
     */
    public static Server start(ServerOptions options, WasmRuntime runtime, SigningKeys keys, ExecutorService snapshots) {
        return Server.start(options, new Server.Parts(memory -> runtime, directory -> keys, snapshots));
    }

    /**
     * Waits until the writer has nothing to do and no scheduled call is being made; calls of procedures by clients have been
     * answered already.
     *
     * @return offset of the last transaction, {@link Long#MIN_VALUE} if the database has stopped
     */
    public static long settle(Database database) {
        try {
            while (true) {
                // The first waits for a batch that the writer has taken, the second for what that has queued.
                long offset = Database.join(database.committedOffset());
                if (database.schedulesRest() && Database.join(database.committedOffset()) == offset
                        && database.schedulesRest() && database.queueDepth() == 0) {
                    return offset;
                }
                Thread.onSpinWait();
            }
        } catch (EngineException e) {
            return Long.MIN_VALUE;
        }
    }
}
