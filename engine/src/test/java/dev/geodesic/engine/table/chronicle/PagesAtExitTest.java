package dev.geodesic.engine.table.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Pages stay while the process ends: the engine still works on them until it is closed. In a JVM of its own. */
class PagesAtExitTest {

    private static final int PAGES = 100;

    /** Takes pages while other shutdown hooks run, for a second, and prints how many it got. */
    public static final class Exiting {

        private Exiting() {
        }

        public static void main(String[] arguments) {
            PageMap map = new PageMap(1 << 16, PAGES);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                int taken = 0;
                try {
                    for (; taken < PAGES; taken++) {
                        map.acquire();
                        TimeUnit.MILLISECONDS.sleep(10);
                    }
                } catch (RuntimeException | InterruptedException e) {
                    System.out.println(e);
                }
                System.out.println(taken);
            }));
        }
    }

    @Test
    void staysWhileTheProcessEnds() throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--") || argument.startsWith("-Dchronicle")).forEach(command::add);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Exiting.class.getName()));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assertEquals(0, process.waitFor());
        assertEquals(Integer.toString(PAGES), output.lines().toList().getLast(), output);
    }
}
