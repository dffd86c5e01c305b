package dev.geodesic.engine.database;

import dev.geodesic.engine.backup.Moment;
import dev.geodesic.sats.Identity;
import java.util.Optional;

/**
 * What is to be restored, and as what.
 *
 * @param mayCreate whether the caller may create databases
 */
public record RestoreRequest(Source source, Moment moment, Target target, Identity caller, boolean mayCreate) {

    /** Where the state comes from. */
    public sealed interface Source {

        /** A zip that was sent. */
        record Sent(Backups.Upload upload) implements Source {
        }

        /** A backup below the server's directory for them. */
        record Directory(String name) implements Source {
        }

        /** What a running database has kept of its past. */
        record History(Identity database) implements Source {
        }
    }

    /** What becomes of it. */
    public sealed interface Target {

        /** The same database as before, set back. */
        record Same(Identity database) implements Target {
        }

        /** Another database, which belongs to the caller. */
        record Another(Optional<String> name) implements Target {
        }
    }
}
