package dev.geodesic.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Golden files on the test class path. */
public final class Vectors {

    private Vectors() {
    }

    /** A file given by its absolute resource name, for example {@code /golden/types.jsonl}. */
    public static byte[] bytes(Class<?> near, String name) {
        try (InputStream in = near.getResourceAsStream(name)) {
            if (in == null) {
                throw new AssertionError("no golden file " + name + " on the test class path");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines of a file, at least one. */
    public static List<String> lines(Class<?> near, String name) {
        List<String> lines = new String(bytes(near, name), StandardCharsets.UTF_8).lines().toList();
        if (lines.isEmpty()) {
            throw new AssertionError("golden file " + name + " is empty");
        }
        return lines;
    }
}
