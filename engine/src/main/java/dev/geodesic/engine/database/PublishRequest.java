package dev.geodesic.engine.database;

import dev.geodesic.sats.Identity;
import java.util.Optional;

/**
 * A program to install (spec/http-api.md 6.1).
 *
 * @param database name or identity; empty for a new database without a name
 * @param environment what becomes of the module's variables, if the program is installed
 * @param clear whether to drop the data of an existing database
 * @param breakClients the token that agrees to the end of all connections, as text; without it an update that needs that is
 *     refused
 * @param mayCreate whether the caller may have a database that does not exist yet
 */
public record PublishRequest(
        Optional<String> database, Identity caller, byte[] program, boolean clear, EnvironmentChange environment,
        Optional<String> breakClients, boolean mayCreate) {

    /** A program of somebody who may create databases. */
    public PublishRequest(
            Optional<String> database, Identity caller, byte[] program, boolean clear, EnvironmentChange environment,
            Optional<String> breakClients) {
        this(database, caller, program, clear, environment, breakClients, true);
    }

    /** A program whose variables stay as they are. */
    public PublishRequest(Optional<String> database, Identity caller, byte[] program, boolean clear) {
        this(database, caller, program, clear, EnvironmentChange.NONE, Optional.empty());
    }
}
