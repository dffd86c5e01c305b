package dev.geodesic.engine.query;

import dev.geodesic.sats.Identity;
import java.util.Objects;

/**
 * Who runs SQL (spec/sql.md 8).
 *
 * @param identity value of {@code :sender}
 * @param isOwner whether private tables, writes and unlimited reads are allowed
 */
public record Caller(Identity identity, boolean isOwner) {

    public Caller {
        Objects.requireNonNull(identity, "identity");
    }
}
