package dev.geodesic.web;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.Server;
import dev.geodesic.sats.Identity;

/** The name or identity in a path. */
final class Names {

    private Names() {
    }

    /** Errors: a 400 for names that cannot be, NO_SUCH_DATABASE. */
    static Identity resolve(Server server, String nameOrIdentity) {
        try {
            return server.resolve(nameOrIdentity);
        } catch (EngineException e) {
            throw e.code() == ErrorCode.INVALID_NAME ? invalid(e) : e;
        }
    }

    static RefusedException invalid(EngineException e) {
        return new RefusedException(400, "Invalid URL: " + e.getMessage());
    }

    /** A running database. Errors: as {@link #resolve}, DATABASE_STOPPED. */
    static Database database(Server server, String nameOrIdentity) {
        return server.database(resolve(server, nameOrIdentity));
    }
}
