package dev.geodesic.protocol.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.sats.LittleEndian;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CompressionTest {

    @Property(tries = 500)
    void givesBackWhatWasCompressed(@ForAll Compression compression, @ForAll @Size(max = 3000) byte[] data) {
        byte[] padded = new byte[data.length + 5];
        System.arraycopy(data, 0, padded, 3, data.length);
        byte[] compressed = compression.compress(padded, 3, data.length, 2);
        assertArrayEquals(data, compression.decompress(compressed, 2, compressed.length - 2, 3000));
    }

    @ParameterizedTest
    @EnumSource
    void largeDataThatDoesNotShrink(Compression compression) {
        byte[] noise = new byte[1 << 20];
        new Random(3).nextBytes(noise);
        byte[] compressed = compression.compress(noise, 0, noise.length, 0);
        assertArrayEquals(noise, compression.decompress(compressed, 0, compressed.length, noise.length));
    }

    @Test
    void gzipIsOneMemberThatEndsWithTheSize() throws Exception {
        byte[] data = new byte[100_000];
        byte[] compressed = Compression.GZIP.compress(data, 0, data.length, 1);
        assertEquals(data.length, LittleEndian.getInt(compressed, compressed.length - 4));
        byte[] member = Arrays.copyOfRange(compressed, 1, compressed.length);
        assertArrayEquals(data, new GZIPInputStream(new ByteArrayInputStream(member)).readAllBytes());
    }

    @Test
    void brotliWorksOnThisMachine() {
        assertTrue(Compression.BROTLI.isAvailable());
    }

    @ParameterizedTest
    @EnumSource
    void refusesWhatExpandsTooFar(Compression compression) {
        byte[] bomb = compression.compress(new byte[1 << 20], 0, 1 << 20, 0);
        assertEquals(1 << 20, compression.decompress(bomb, 0, bomb.length, 1 << 20).length);
        assertThrows(ProtocolException.class, () -> compression.decompress(bomb, 0, bomb.length, (1 << 20) - 1));
    }

    @ParameterizedTest
    @EnumSource(names = {"BROTLI", "GZIP"})
    void refusesMalformedData(Compression compression) {
        byte[] good = compression.compress(new byte[5000], 0, 5000, 0);
        assertThrows(ProtocolException.class, () -> compression.decompress(good, 0, good.length / 2, 5000));
        assertThrows(ProtocolException.class, () -> compression.decompress(good, 1, good.length - 1, 5000));
        assertThrows(ProtocolException.class, () -> compression.decompress(good, 0, 0, 5000));
    }

    @Test
    void tags() {
        assertEquals(0, Compression.NONE.tag());
        assertEquals(1, Compression.BROTLI.tag());
        assertEquals(2, Compression.GZIP.tag());
        assertEquals(Compression.BROTLI, Compression.ofTag(1));
        assertThrows(ProtocolException.class, () -> Compression.ofTag(3));
        assertThrows(ProtocolException.class, () -> Compression.ofTag(-1));
    }
}
