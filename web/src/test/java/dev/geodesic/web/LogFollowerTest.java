package dev.geodesic.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LogFollowerTest {

    private static final String LINE = "x".repeat(1 << 20);

    private final LogFollower follower = new LogFollower();

    @Test
    void passesEveryLineInOrder() throws Exception {
        follower.bound();
        CompletableFuture<List<String>> read = CompletableFuture.supplyAsync(() -> {
            List<String> lines = new ArrayList<>();
            while (lines.size() < 10_000) {
                lines.addAll(take());
            }
            return lines;
        });
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            sent.add("line " + i);
            follower.accept("line " + i);
        }
        assertEquals(sent, read.get(20, TimeUnit.SECONDS));
    }

    private List<String> take() {
        try {
            return follower.take(1000);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whoever logs must neither wait for a reader nor fill the memory for him. */
    @Test
    void dropsWhatASlowReaderLeavesAndSaysSo() throws Exception {
        follower.bound();
        for (int i = 0; i < 100; i++) {
            follower.accept(LINE);
        }
        List<String> lines = follower.take(0);
        assertEquals(5, lines.size());
        assertEquals(Collections.nCopies(4, LINE), lines.subList(0, 4));
        assertTrue(lines.getLast().startsWith("{\"level\":\"Warn\",\"ts\":"), lines::getLast);
        assertTrue(lines.getLast().contains("96 lines are missing here"), lines::getLast);
        follower.accept("next");
        assertEquals(List.of("next"), follower.take(0));
    }

    /** The lines that were there before are what the reader asked for. */
    @Test
    void keepsAllLinesUntilItIsBounded() throws Exception {
        for (int i = 0; i < 10; i++) {
            follower.accept(LINE);
        }
        follower.bound();
        assertEquals(10, follower.take(0).size());
    }

    @Test
    void givesNothingAfterTheTime() throws Exception {
        assertEquals(List.of(), follower.take(10));
    }
}
