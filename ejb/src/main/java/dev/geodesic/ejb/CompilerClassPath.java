package dev.geodesic.ejb;

import dev.geodesic.engine.base.EngineException;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Lets Chronicle Map compile its value classes at run time. Its compiler looks for classes in {@code java.class.path},
 * where an application server keeps nothing of an application, so the libraries of the EAR are added there. The server
 * unpacks the EAR ({@code autoExpand}), so that they are files.
 */
final class CompilerClassPath {

    private static final String PROPERTY = "java.class.path";

    private CompilerClassPath() {
    }

    /** Adds the directory that the engine was loaded from; the same directory is added once. */
    static void prepare() {
        String before = System.getProperty(PROPERTY, "");
        String libraries = libraries();
        if (!before.contains(libraries)) {
            System.setProperty(PROPERTY, before.isEmpty() ? libraries : before + File.pathSeparator + libraries);
        }
    }

    private static String libraries() {
        try {
            Path engine = Path.of(EngineException.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            try (Stream<Path> files = Files.list(engine.getParent())) {
                return files.filter(file -> file.toString().endsWith(".jar")).sorted().map(Path::toString)
                        .collect(Collectors.joining(File.pathSeparator));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
