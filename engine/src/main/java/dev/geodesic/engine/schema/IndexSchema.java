package dev.geodesic.engine.schema;

import java.util.Optional;

/**
 * One index.
 *
 * @param indexId id in the database
 * @param name canonical name
 * @param sourceName name that the module asks for (spec/module-abi.md 5.3), if it differs
 * @param unique whether a unique constraint covers exactly its column set
 */
public record IndexSchema(int indexId, String name, Optional<String> sourceName, IndexAlgorithm algorithm, boolean unique) {
}
