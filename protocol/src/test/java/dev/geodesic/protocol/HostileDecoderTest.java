package dev.geodesic.protocol;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.geodesic.protocol.message.ProtocolException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/**
 * What comes out of a client decoder for any bytes is messages or the one documented error, and what it takes in memory is in
 * proportion to the bytes, whatever counts and lengths they claim.
 */
class HostileDecoderTest {

    /** What comes first loads classes. */
    private static final long FREE_BYTES = 1 << 20;
    /** A query string of 4 bytes on the wire is an object with an array. */
    private static final long PER_BYTE = 64;

    private static final byte[][] HUGE = {
        {-1, -1, -1, -1}, {-1, -1, -1, 0x7f}, {0, 0, 0, 0x40}, {0, 0, 0, 1}, {0x10, 0x27, 0, 0}
    };

    private static void check(Subprotocol subprotocol, boolean text, byte[] bytes) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        ClientDecoder decoder = new ClientDecoder(subprotocol);
        Frame frame = new Frame(text, bytes, bytes.length);
        long before = threads.getCurrentThreadAllocatedBytes();
        try {
            assertTrue(!decoder.decode(frame).isEmpty());
        } catch (ProtocolException e) {
            assertTrue(e.closeReason().code() == 1011 || e.closeReason().code() == 1013, () -> e.closeReason().toString());
            assertTrue(e.closeReason().reason().getBytes(StandardCharsets.UTF_8).length <= 123);
        }
        long taken = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(taken <= FREE_BYTES + PER_BYTE * bytes.length,
                () -> taken + " bytes for " + bytes.length + ": " + HexFormat.of().formatHex(Arrays.copyOf(bytes, 64)));
    }

    private static byte[] golden(Subprotocol subprotocol, long seed) {
        Frame frame = new ClientEncoder(subprotocol).encode(new RandomMessages(subprotocol, seed).client());
        return Arrays.copyOf(frame.bytes(), frame.length());
    }

    /** Every length and count of a message, and what merely looks like one, claims gigabytes. */
    @Property(tries = 2000)
    void claimsOfGigabytes(@ForAll Subprotocol subprotocol, @ForAll long seed) {
        byte[] message = golden(subprotocol, seed);
        Random random = new Random(seed);
        for (int at = 0; at + 4 <= message.length; at++) {
            byte[] claiming = message.clone();
            System.arraycopy(HUGE[random.nextInt(HUGE.length)], 0, claiming, at, 4);
            check(subprotocol, subprotocol.isText(), claiming);
            check(subprotocol, subprotocol.isText(), Arrays.copyOf(claiming, at + 4));
        }
    }

    @Property(tries = 2000)
    void truncatedAndChangedMessages(@ForAll Subprotocol subprotocol, @ForAll long seed) {
        byte[] message = golden(subprotocol, seed);
        Random random = new Random(seed);
        for (int length = 0; length < message.length; length++) {
            check(subprotocol, subprotocol.isText(), Arrays.copyOf(message, length));
        }
        for (int i = 0; i < 32; i++) {
            byte[] changed = message.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            check(subprotocol, random.nextInt(8) == 0 || subprotocol.isText(), changed);
        }
    }

    /** Many messages in a payload, with one that is damaged among them. */
    @Property(tries = 500)
    void damagedPayloads(@ForAll long seed) {
        Random random = new Random(seed);
        byte[] payload = new byte[0];
        for (int i = random.nextInt(20); i >= 0; i--) {
            byte[] message = golden(Subprotocol.V3, random.nextLong());
            int from = payload.length;
            payload = Arrays.copyOf(payload, from + message.length);
            System.arraycopy(message, 0, payload, from, message.length);
        }
        payload[random.nextInt(payload.length)] ^= (byte) (1 << random.nextInt(8));
        check(Subprotocol.V3, false, payload);
    }

    /** JSON that nests, repeats and goes on. */
    @Property(tries = 500)
    void strangeJson(@ForAll long seed) {
        Random random = new Random(seed);
        String[] pieces = {
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "0", "-", "1e9", "true", "null", " ", "\"CallReducer\"",
            "\"Subscribe\"", "\"query_strings\"", "\"request_id\"", "\"flags\"", "\"query_id\"", "{\"id\":1}", "\ud83d\ude00"};
        StringBuilder text = new StringBuilder(random.nextBoolean() ? "{\"Subscribe\":{\"query_strings\":[" : "");
        String again = pieces[random.nextInt(pieces.length)];
        for (int i = random.nextInt(200); i > 0; i--) {
            text.append(random.nextInt(4) == 0 ? again : pieces[random.nextInt(pieces.length)]);
        }
        check(Subprotocol.V1_JSON, true, text.toString().getBytes(StandardCharsets.UTF_8));
        check(Subprotocol.V1_JSON, true, again.repeat(50_000).getBytes(StandardCharsets.UTF_8));
    }
}
