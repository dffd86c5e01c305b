package dev.geodesic.protocol.message;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ErrorTextsTest {

    private static final Identity OWNER = Identity.fromHex("c200" + "ab".repeat(30));
    private static final ConnectionId CONNECTION = ConnectionId.fromHex("0123456789abcdef0123456789abcdef");

    /** As in the recorded scenarios. */
    @Test
    void wording() {
        String client = "(Identity(c200" + "ab".repeat(30) + "), ConnectionId(0123456789abcdef0123456789abcdef))";
        assertEquals("Subscription with id QuerySetId { id: 10 } already exists for client: " + client,
                ErrorTexts.subscriptionExists(10, OWNER, CONNECTION));
        assertEquals("Subscription not found: (" + client + ", QuerySetId { id: 4294967295 })",
                ErrorTexts.subscriptionNotFound(-1, OWNER, CONNECTION));
        assertEquals("Unsupported: x, executing: `x`", ErrorTexts.executing("Unsupported: x", "x"));
        assertEquals("can't directly call special Init lifecycle reducer", ErrorTexts.lifecycleReducer("Init"));
        String tooShort = "data too short for u32: Expected 4, given 1";
        assertEquals("invalid arguments for reducer add_member: " + tooShort,
                ErrorTexts.invalidReducerArguments("add_member", tooShort));
        assertEquals("invalid arguments for reducer add_member: " + tooShort + ": invalid arguments for function add_member: "
                        + tooShort + ": " + tooShort,
                ErrorTexts.invalidReducerArgumentsV1("add_member", "", tooShort));
        assertEquals("invalid arguments for reducer add_member: .: invalid arguments for function add_member: .: .: "
                        + "expected value at line 1 column 1",
                ErrorTexts.invalidReducerArgumentsV1("add_member", ".", "expected value at line 1 column 1"));
        assertEquals("invalid arguments for procedure sum_two: " + tooShort,
                ErrorTexts.invalidProcedureArguments("sum_two", tooShort));
    }

    @Test
    void closeReasonsAreCutAtACharacter() {
        CloseReason reason = CloseReason.error("a" + "ü".repeat(61) + "€");
        assertEquals("a" + "ü".repeat(61), reason.reason());
        assertEquals(123, reason.reason().getBytes(StandardCharsets.UTF_8).length);
        assertEquals("ü".repeat(61), CloseReason.error("ü".repeat(61) + "üü").reason());
        assertEquals("x".repeat(123), CloseReason.error("x".repeat(123)).reason());
        assertEquals("x".repeat(123), CloseReason.error("x".repeat(124)).reason());
    }
}
