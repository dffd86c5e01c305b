package dev.geodesic.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class PublishResourceTest {

    private static void refused(int status, String text, CompletableFuture<Void> durable) {
        RefusedException e = (RefusedException) assertThrows(
                CompletionException.class, () -> PublishResource.confirm(durable, Duration.ofMillis(20)).join()).getCause();
        assertEquals(status + " Database update failed: " + text, e.status() + " " + e.getMessage());
    }

    @Test
    void waitsForConfirmationsAsLongAsItShould() {
        CompletableFuture<Void> late = new CompletableFuture<Void>().completeOnTimeout(null, 50, TimeUnit.MILLISECONDS);
        PublishResource.confirm(late, Duration.ofSeconds(20)).join();
        assertTrue(late.isDone());
        CompletableFuture<Void> never = new CompletableFuture<>();
        refused(504, "timeout waiting for transaction confirmation", never);
        assertFalse(never.isDone(), "others wait on");
        refused(503, "the database has stopped",
                CompletableFuture.failedFuture(new EngineException(ErrorCode.DATABASE_STOPPED, "the database has stopped")));
    }
}
