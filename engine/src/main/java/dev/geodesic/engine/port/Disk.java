package dev.geodesic.engine.port;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where the directories of a server lie. Thread-safe. What an implementation does not say otherwise is that of the file
 * system.
 */
@FunctionalInterface
public interface Disk {

    /** Opens a directory; creates it, with its parents, durably if it does not exist. */
    Storage open(Path directory) throws IOException;

    /** Names of the directories in a directory; none if it does not exist. */
    default List<String> directories(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(Files::isDirectory).map(d -> d.getFileName().toString()).toList();
        }
    }

    /**
     * Deletes a directory with everything in it, if there is one. A power loss may bring back any of it: whoever creates a
     * directory of this name again deletes it first.
     */
    default void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
