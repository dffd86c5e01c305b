package dev.geodesic.web.ws.frame;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.testkit.Seeds;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FrameDecoderTest {

    private static final int MESSAGE_BYTES_MAX = 1 << 20;

    /** What a decoder told, in words. */
    private static final class Told implements FrameListener {

        private final List<String> events = new ArrayList<>();

        @Override
        public void message(boolean isText, byte[] bytes, int offset, int length) {
            events.add((isText ? "text " : "binary ") + show(bytes, offset, length));
        }

        @Override
        public void ping(byte[] bytes, int offset, int length) {
            events.add("ping " + show(bytes, offset, length));
        }

        @Override
        public void pong() {
            events.add("pong");
        }

        @Override
        public void closed(CloseReason reason) {
            events.add("closed " + reason.code() + " " + reason.reason());
        }

        @Override
        public void failed(CloseReason reason) {
            events.add("failed " + reason.code());
        }

        private static String show(byte[] bytes, int offset, int length) {
            byte[] part = Arrays.copyOfRange(bytes, offset, offset + length);
            return length <= 40 ? new String(part, StandardCharsets.UTF_8) : length + " bytes " + Arrays.hashCode(part);
        }
    }

    private static byte[] masked(int first, byte[] payload, int mask) {
        byte[] key = {(byte) (mask >>> 24), (byte) (mask >>> 16), (byte) (mask >>> 8), (byte) mask};
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(first);
        if (payload.length < 126) {
            out.write(0x80 | payload.length);
        } else if (payload.length < 1 << 16) {
            out.write(0x80 | 126);
            out.write(payload.length >>> 8);
            out.write(payload.length);
        } else {
            out.write(0x80 | 127);
            for (int i = 7; i >= 0; i--) {
                out.write(i < 4 ? payload.length >>> 8 * i : 0);
            }
        }
        out.writeBytes(key);
        for (int i = 0; i < payload.length; i++) {
            out.write(payload[i] ^ key[i & 3]);
        }
        return out.toByteArray();
    }

    private static byte[] masked(int first, String payload) {
        return masked(first, payload.getBytes(StandardCharsets.UTF_8), 0x37fa213d);
    }

    private static byte[] close(int code, byte... reason) {
        byte[] payload = new byte[2 + reason.length];
        payload[0] = (byte) (code >>> 8);
        payload[1] = (byte) code;
        System.arraycopy(reason, 0, payload, 2, reason.length);
        return masked(0x88, payload, 0x01020304);
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static List<String> decode(byte[]... parts) {
        Told told = new Told();
        FrameDecoder decoder = new FrameDecoder(MESSAGE_BYTES_MAX, told);
        for (byte[] part : parts) {
            decoder.decode(part.clone(), 0, part.length);
        }
        return told.events;
    }

    /** RFC 6455 section 5.7. */
    @Test
    void examplesOfTheStandard() {
        HexFormat hex = HexFormat.of();
        assertEquals(List.of("text Hello"), decode(hex.parseHex("818537fa213d7f9f4d5158")));
        assertEquals(List.of("failed 1002"), decode(hex.parseHex("810548656c6c6f")));
        assertEquals(List.of("ping Hello"), decode(hex.parseHex("898537fa213d7f9f4d5158")));
        assertEquals(List.of("pong"), decode(hex.parseHex("8a8537fa213d7f9f4d5158")));
        assertEquals(List.of("binary 256 bytes " + Arrays.hashCode(new byte[256])), decode(masked(0x82, new byte[256], 5)));
        assertEquals(List.of("binary 65536 bytes " + Arrays.hashCode(new byte[65536])), decode(masked(0x82, new byte[65536], 5)));
    }

    @Test
    void controlFramesMayComeBetweenFragments() {
        assertEquals(List.of("ping a", "pong", "text one two", "binary "), decode(
                masked(0x01, "one"), masked(0x89, "a"), masked(0x00, " "), masked(0x8a, ""), masked(0x00, ""),
                masked(0x80, "two"), masked(0x82, "")));
    }

    @Test
    void nothingIsLookedAtAfterAClose() {
        assertEquals(List.of("closed 1000 bye"), decode(close(1000, (byte) 'b', (byte) 'y', (byte) 'e'), masked(0x82, "x")));
        assertEquals(List.of("closed 1005 "), decode(masked(0x88, "")));
        assertEquals(List.of("closed 4000 "), decode(masked(0x01, "begun"), close(4000)));
        assertEquals(List.of("failed 1002"), decode(masked(0x83, ""), masked(0x82, "x")));
    }

    @ParameterizedTest
    @CsvSource({
        "reserved bit 1, 1002, c2 80 00000000", "reserved bit 2, 1002, a2 80 00000000", "reserved bit 3, 1002, 92 80 00000000",
        "reserved bit of a ping, 1002, c9 80 00000000",
        "opcode 3, 1002, 83 80 00000000", "opcode 7, 1002, 87 80 00000000", "opcode 11, 1002, 8b 80 00000000",
        "opcode 15, 1002, 8f 80 00000000",
        "not masked, 1002, 82 00", "fragmented ping, 1002, 09 80 00000000", "fragmented close, 1002, 08 80 00000000",
        "long ping, 1002, 89 fe 007e 00000000", "continuation of nothing, 1002, 80 80 00000000",
        "continuation of nothing to go on, 1002, 00 80 00000000",
        "text within a message, 1002, 02 80 00000000 81 80 00000000",
        "length in two bytes that fits one, 1002, 82 fe 007d 00000000",
        "length in eight bytes that fits two, 1002, 82 ff 000000000000ffff 00000000",
        "negative length, 1002, 82 ff 8000000000000000 00000000",
        "length of 2^63-1, 1009, 82 ff 7fffffffffffffff 00000000", "too big, 1009, 82 ff 0000000000100001 00000000",
        "half a close code, 1002, 88 81 00000000 03",
        "invalid text, 1007, 81 82 00000000 c328", "text that ends inside of a character, 1007, 81 81 00000000 c3",
        "invalid reason, 1007, 88 84 00000000 03e8 c328", "reason cut off, 1007, 88 83 00000000 03e8 c3"
    })
    void brokenFrames(String what, int code, String bytes) {
        byte[] frames = HexFormat.of().parseHex(bytes.replace(" ", ""));
        assertEquals(List.of("failed " + code), decode(frames), what);
        assertEquals(List.of("failed " + code),
                decode(IntStream.range(0, frames.length).mapToObj(i -> new byte[] {frames[i]}).toArray(byte[][]::new)), what);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    void closeCodesThatMayNotBeSent(int code) {
        assertEquals(List.of("failed 1002"), decode(close(code)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999})
    void closeCodesThatMay(int code) {
        assertEquals(List.of("closed " + code + " "), decode(close(code)));
    }

    /** A message of many frames is as long as all of them. */
    @Test
    void theLimitIsThatOfTheMessage() {
        byte[] half = new byte[MESSAGE_BYTES_MAX / 2];
        assertEquals(1, decode(masked(0x02, half, 1), masked(0x80, half, 1)).size());
        assertEquals(List.of("failed 1009"), decode(masked(0x02, half, 1), masked(0x00, half, 1), masked(0x80, "x")));
        assertEquals(List.of("binary a", "binary b"), decode(masked(0x82, "a"), masked(0x82, "b")));
    }

    /** What is announced costs nothing until it comes. */
    @Test
    void announcementsTakeNoMemory() {
        int large = Integer.MAX_VALUE - 100;
        List<FrameDecoder> decoders = new ArrayList<>();
        byte[] header = HexFormat.of().parseHex("82ff000000007fffff0000000000" + "00".repeat(10));
        for (int i = 0; i < 1000; i++) {
            Told told = new Told();
            FrameDecoder decoder = new FrameDecoder(large, told);
            assertTrue(decoder.decode(header.clone(), 0, header.length));
            assertEquals(List.of(), told.events);
            decoders.add(decoder);
        }
        assertEquals(1000, decoders.size());
    }

    @ParameterizedTest
    @CsvSource({
        "c0af, false", "c1bf, false", "e08080, false", "e09fbf, false", "f08080af, false", "f08fbfbf, false", "eda080, false",
        "edbfbf, false", "f4908080, false", "f5808080, false", "80, false", "bf, false", "fe, false", "ff, false",
        "f888808080, false",
        "e0a080, true", "ed9fbf, true", "ee8080, true", "efbfbf, true", "f0908080, true", "f48fbfbf, true", "c280, true",
        "7f, true", "00, true", "4142434445464748c3a94142434445464748, true"
    })
    void utf8(String bytes, boolean valid) {
        byte[] text = HexFormat.of().parseHex(bytes);
        assertEquals(!valid, decode(masked(0x81, text, 9)).equals(List.of("failed 1007")), bytes);
        for (int cut = 0; cut <= text.length; cut++) {
            List<String> told = decode(
                    masked(0x01, Arrays.copyOf(text, cut), 9), masked(0x80, Arrays.copyOfRange(text, cut, text.length), 9));
            assertEquals(!valid, told.equals(List.of("failed 1007")), bytes + " cut at " + cut);
        }
    }

    /** Ours agrees with Java's, for random bytes and for what is nearly right. */
    @Test
    void utf8AsJavaSeesIt() {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] text = new byte[random.nextInt(12)];
            random.nextBytes(text);
            if (i % 2 == 0) {
                text = new String(text, StandardCharsets.UTF_16BE).getBytes(StandardCharsets.UTF_8);
                if (text.length > 0 && i % 4 == 0) {
                    text[random.nextInt(text.length)] ^= (byte) (1 << random.nextInt(8));
                }
            }
            boolean valid = Arrays.equals(new String(text, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8), text);
            Utf8 utf8 = new Utf8();
            boolean ours = utf8.accept(text, 0, text.length) && utf8.isComplete();
            assertEquals(valid, ours, "seed " + seed + ": " + HexFormat.of().formatHex(text));
        }
    }

    private static byte[] randomFrames(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        boolean inMessage = false;
        for (int i = random.nextInt(20); i >= 0; i--) {
            int kind = random.nextInt(10);
            if (kind < 2) {
                byte[] payload = new byte[random.nextInt(126)];
                random.nextBytes(payload);
                out.writeBytes(masked(kind == 0 ? 0x89 : 0x8a, payload, random.nextInt()));
            } else {
                byte[] payload = new byte[kind < 8 ? random.nextInt(200) : random.nextInt(70_000)];
                random.nextBytes(payload);
                boolean last = random.nextBoolean();
                out.writeBytes(masked((last ? 0x80 : 0) | (inMessage ? 0 : 2), payload, random.nextInt()));
                inMessage = !last;
            }
        }
        return out.toByteArray();
    }

    /** The same messages, however the bytes are cut. */
    @Test
    void cutsDoNotMatter() {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            byte[] frames = join(randomFrames(random), close(1000));
            List<String> expected = decode(frames);
            Told told = new Told();
            FrameDecoder decoder = new FrameDecoder(MESSAGE_BYTES_MAX, told);
            // As from a read: always the same buffer, at some place in it.
            byte[] buffer = new byte[4096];
            int largest = 1 + random.nextInt(i % 2 == 0 ? 20 : 2000);
            for (int at = 0; at < frames.length;) {
                int offset = random.nextInt(100);
                int count = Math.min(frames.length - at, 1 + random.nextInt(largest));
                System.arraycopy(frames, at, buffer, offset, count);
                decoder.decode(buffer, offset, count);
                at += count;
            }
            assertEquals(expected, told.events, "seed " + seed);
            assertEquals("closed 1000 ", expected.getLast(), "seed " + seed);
        }
    }

    /** Rubbish, and frames with a damaged bit: never an exception, at most one end, and that is the last event. */
    @Test
    void garbageEndsInACloseCode() {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        int ends = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes;
            if (i % 2 == 0) {
                bytes = new byte[random.nextInt(300)];
                random.nextBytes(bytes);
            } else {
                bytes = join(masked(0x01, "\u00e9\u00e9"), masked(0x89, "ping"), masked(0x80, "x"), close(1000));
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Told told = new Told();
            FrameDecoder decoder = new FrameDecoder(1000, told);
            boolean open = decoder.decode(bytes.clone(), 0, bytes.length);
            long ended = told.events.stream().filter(e -> e.startsWith("failed ") || e.startsWith("closed ")).count();
            assertEquals(open ? 0 : 1, ended, "seed " + seed + ": " + told.events);
            if (!open) {
                ends++;
                assertTrue(told.events.getLast().matches("(failed|closed) .*"), "seed " + seed);
                assertTrue(told.events.getLast().matches("closed .*|failed 100[279]"), "seed " + seed + told.events);
                assertFalse(decoder.decode(bytes.clone(), 0, bytes.length), "seed " + seed);
                assertEquals(1, told.events.stream().filter(e -> e.matches("(failed|closed) .*")).count(), "seed " + seed);
            }
        }
        assertTrue(ends > 10_000, ends + " ends");
    }

    @Test
    void whatIsWrittenIsRead() {
        long seed = Seeds.seed();
        Random random = new Random(seed);
        FrameBuffer frames = new FrameBuffer(16);
        for (int length : new int[] {0, 1, 125, 126, 127, 65_535, 65_536, 200_000}) {
            byte[] payload = new byte[length + 7];
            random.nextBytes(payload);
            frames.clear();
            frames.frame(Opcode.FIN | Opcode.PING, payload, 0, 0);
            frames.frame(Opcode.FIN | Opcode.BINARY, payload, 7, length);
            byte[] expected = unmaskedHeader(length);
            assertArrayEquals(new byte[] {(byte) 0x89, 0}, Arrays.copyOf(frames.bytes(), 2));
            assertArrayEquals(expected, Arrays.copyOfRange(frames.bytes(), 2, 2 + expected.length), "length " + length);
            assertArrayEquals(Arrays.copyOfRange(payload, 7, 7 + length),
                    Arrays.copyOfRange(frames.bytes(), 2 + expected.length, frames.length()), "seed " + seed);
        }
    }

    private static byte[] unmaskedHeader(int length) {
        byte[] header = masked(0x82, new byte[length], 0);
        byte[] unmasked = Arrays.copyOf(header, header.length - length - 4);
        unmasked[1] &= 0x7f;
        return unmasked;
    }

    @Test
    void closePayloads() {
        assertArrayEquals(new byte[0], CloseCodes.payload(new CloseReason(1005, "")));
        assertArrayEquals(new byte[] {3, (byte) 0xe8, 'b', 'y', 'e'}, CloseCodes.payload(new CloseReason(1000, "bye")));
        assertTrue(CloseCodes.payload(CloseReason.error("\u00e9".repeat(200))).length <= 125);
    }

    /** RFC 6455 section 1.3. */
    @Test
    void keys() {
        assertEquals("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", OpeningHandshake.accept("dGhlIHNhbXBsZSBub25jZQ=="));
        assertTrue(OpeningHandshake.isKey(" dGhlIHNhbXBsZSBub25jZQ== "));
        for (String bad : List.of("", "x", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZWVl", "====")) {
            assertFalse(OpeningHandshake.isKey(bad), bad);
        }
    }
}
