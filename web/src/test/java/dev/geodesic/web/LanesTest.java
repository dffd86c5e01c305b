package dev.geodesic.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LanesTest {

    private final CountDownLatch release = new CountDownLatch(1);

    private Integer stuck() {
        try {
            release.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return 1;
    }

    @Test
    void oneLaneThatIsStuckLeavesThreadsToTheOthers() throws Exception {
        try (Lanes lanes = new Lanes("test-", 3, 2, 100)) {
            List<CompletableFuture<Integer>> waiting = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                waiting.add(lanes.submit("stuck", this::stuck));
            }
            for (int i = 0; i < 200; i++) {
                int number = i;
                assertEquals(number, lanes.submit("other-" + i % 7, () -> number).get(10, TimeUnit.SECONDS));
            }
            assertEquals(0, waiting.stream().filter(CompletableFuture::isDone).count());
            release.countDown();
            for (CompletableFuture<Integer> one : waiting) {
                assertEquals(1, one.get(10, TimeUnit.SECONDS));
            }
            idle(lanes);
        }
    }

    /** A task has answered a moment before it has left. */
    private static void idle(Lanes lanes) {
        while (lanes.taskCount() > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void refusesWhatIsTooMuchForOneLane() throws Exception {
        try (Lanes lanes = new Lanes("test-", 3, 2, 4)) {
            for (int i = 0; i < 4; i++) {
                lanes.submit("stuck", this::stuck);
            }
            RefusedException refused = assertThrows(RefusedException.class, () -> lanes.submit("stuck", this::stuck));
            assertEquals("503 More than 4 requests are waiting; try again later", refused.status() + " " + refused.getMessage());
            assertEquals(4, lanes.taskCount());
            assertEquals(2, lanes.submit("other", () -> 2).get(10, TimeUnit.SECONDS));
            release.countDown();
            idle(lanes);
            assertEquals(3, lanes.submit("stuck", () -> 3).get(10, TimeUnit.SECONDS));
        }
    }

    @Test
    void hasNoMoreThreadsThanItShould() {
        Map<String, AtomicInteger> running = new ConcurrentHashMap<>();
        AtomicInteger all = new AtomicInteger();
        List<String> wrong = new ArrayList<>();
        List<CompletableFuture<Integer>> tasks = new ArrayList<>();
        try (Lanes lanes = new Lanes("test-", 4, 2, 1000)) {
            for (int i = 0; i < 2000; i++) {
                String lane = "lane-" + i % 5;
                tasks.add(lanes.submit(lane, () -> {
                    AtomicInteger ofLane = running.computeIfAbsent(lane, k -> new AtomicInteger());
                    if (ofLane.incrementAndGet() > 2 || all.incrementAndGet() > 4) {
                        synchronized (wrong) {
                            wrong.add(lane);
                        }
                    }
                    Thread.yield();
                    all.decrementAndGet();
                    return ofLane.decrementAndGet();
                }));
            }
            tasks.forEach(CompletableFuture::join);
        }
        assertTrue(wrong.isEmpty(), wrong::toString);
    }

    @Test
    void failuresAreTheSubmittersAndNobodyElses() {
        try (Lanes lanes = new Lanes("test-", 1, 1, 10)) {
            CompletableFuture<Integer> failing = lanes.submit("a", () -> {
                throw new StackOverflowError("deep");
            });
            assertEquals("deep", assertThrows(CompletionException.class, failing::join).getCause().getMessage());
            assertEquals(5, lanes.submit("a", () -> 5).join());
        }
    }

    @Test
    void takesNothingOnceClosed() throws Exception {
        Lanes lanes = new Lanes("test-", 1, 1, 10);
        CompletableFuture<Integer> before = lanes.submit("a", this::stuck);
        lanes.close();
        assertEquals(503, assertThrows(RefusedException.class, () -> lanes.submit("a", () -> 1)).status());
        assertFalse(before.isDone());
        release.countDown();
        assertEquals(1, before.get(10, TimeUnit.SECONDS));
    }

    /** One may take more than there is, since a result must be sendable; then nobody else gets any. */
    @Test
    void sharesBytes() {
        Budget budget = new Budget(100);
        assertTrue(budget.tryTake(60));
        assertTrue(budget.tryTake(1000));
        assertFalse(budget.tryTake(1));
        budget.giveBack(1000);
        assertTrue(budget.tryTake(1));
    }
}
