package dev.geodesic.engine.port;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

class WakeUpsTest {

    private final List<String> woken = new ArrayList<>();

    private void wake(String who) {
        WakeUps.execute(Runnable::run, () -> woken.add(who));
    }

    @Test
    void aThreadThatHoldsNothingBackWakesAtOnce() {
        wake("a");
        assertEquals(List.of("a"), woken);
    }

    @Test
    void wakeUpsOfABatchGoInOrderAtItsEnd() {
        try (WakeUps wakeUps = WakeUps.hold()) {
            wake("a");
            wake("b");
            assertEquals(List.of(), woken);
            wakeUps.release();
            assertEquals(List.of("a", "b"), woken);
            wakeUps.release();
            wake("c");
        }
        wake("d");
        assertEquals(List.of("a", "b", "c", "d"), woken);
    }

    @Test
    void nothingIsHeldBackForLong() throws InterruptedException {
        try (WakeUps wakeUps = WakeUps.hold()) {
            wake("a");
            Thread.sleep(2);
            wake("b");
            wakeUps.releaseOld();
            assertEquals(List.of("a", "b"), woken);
            wake("c");
            WakeUps.releaseOfThisThread();
            assertEquals(List.of("a", "b", "c"), woken);
        }
    }

    @Test
    void whoHasStoppedIsNotWokenAndOthersAre() {
        try (WakeUps wakeUps = WakeUps.hold()) {
            WakeUps.execute(task -> {
                throw new RejectedExecutionException();
            }, () -> woken.add("gone"));
            wake("a");
            wakeUps.release();
            assertEquals(List.of("a"), woken);
        }
    }
}
