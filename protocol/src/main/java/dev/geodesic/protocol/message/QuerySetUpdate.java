package dev.geodesic.protocol.message;

import java.util.List;

/** Changes seen by one query set. v1 has no sets in its updates: there the tables of all sets are put together. */
public record QuerySetUpdate(int querySetId, List<TableUpdate> tables) {
}
