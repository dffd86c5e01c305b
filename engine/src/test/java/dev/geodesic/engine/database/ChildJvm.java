package dev.geodesic.engine.database;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * Java processes with the class path of the tests, which start in half the time when there are to be many of them: from jars,
 * because the archive of loaded classes that makes the difference takes no directories.
 */
final class ChildJvm {

    private final String classPath;
    private final Path archive;

    /** @param directory for jars and the archive */
    ChildJvm(Path directory) throws IOException {
        List<String> entries = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path path = Path.of(entry);
            entries.add(Files.isDirectory(path) ? jar(path, directory.resolve("classes" + entries.size() + ".jar")) : entry);
        }
        classPath = String.join(File.pathSeparator, entries);
        archive = directory.resolve("classes.jsa");
    }

    private static String jar(Path classes, Path jar) throws IOException {
        try (OutputStream out = Files.newOutputStream(jar); JarOutputStream zip = new JarOutputStream(out);
                Stream<Path> files = Files.walk(classes)) {
            zip.setLevel(0);
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                zip.putNextEntry(new ZipEntry(classes.relativize(file).toString().replace('\\', '/')));
                Files.copy(file, zip);
            }
        }
        return jar.toString();
    }

    /** The command of a process; commands that begin otherwise, such as with "ulimit", put theirs before it. */
    List<String> command(Class<?> main, List<String> options, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-ea", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:disable", "-Xlog:all=error:stderr",
                // This Java has been seen to crash while it makes the archive, which then is missing and no more.
                "-XX:ErrorFile=" + archive.resolveSibling("hs_err_pid%p.log"),
                "-Dgeodesic.wasmtime.library=" + System.getProperty("geodesic.wasmtime.library")));
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(arguments);
        return command;
    }

    /** A process that writes what it has loaded into the archive when it ends in good order. */
    Process train(Class<?> main, List<String> arguments, Path errors) throws IOException {
        return start(command(main, List.of("-XX:ArchiveClassesAtExit=" + archive), arguments), errors);
    }

    /** With the archive, if there is one. */
    Process start(Class<?> main, List<String> arguments, Path errors) throws IOException {
        List<String> options = Files.exists(archive) ? List.of("-XX:SharedArchiveFile=" + archive) : List.of();
        return start(command(main, options, arguments), errors);
    }

    static Process start(List<String> command, Path errors) throws IOException {
        return new ProcessBuilder(command).redirectError(errors.toFile()).start();
    }

    /** Gives each line that a process writes, until it ends or dies. */
    static void read(Process process, Consumer<String> lines) {
        try (BufferedReader out = process.inputReader()) {
            out.lines().forEach(lines);
        } catch (IOException | UncheckedIOException e) {
            // The pipe may break when the process dies.
        }
    }

    /** What a process has written into its file of errors, for a message. */
    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Kills a process. What it has written can be read to the end, which {@link Process#destroyForcibly} does not promise. */
    static void kill(Process process) throws InterruptedException {
        process.toHandle().destroyForcibly();
        process.waitFor();
    }

    /** Ends a process that ends when its input does. */
    static void end(Process process) throws Exception {
        process.getOutputStream().close();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the process did not end");
        }
    }
}
