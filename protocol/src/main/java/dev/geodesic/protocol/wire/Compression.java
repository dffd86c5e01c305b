package dev.geodesic.protocol.wire;

import com.aayushatharva.brotli4j.Brotli4jLoader;
import com.aayushatharva.brotli4j.decoder.BrotliInputStream;
import com.aayushatharva.brotli4j.encoder.Encoder;
import dev.geodesic.protocol.message.ProtocolException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;

/** Compression of server messages (spec/websocket.md section 2). Thread-safe. */
public enum Compression {
    NONE("None"),
    BROTLI("Brotli"),
    GZIP("Gzip");

    private static final int GZIP_HEADER_LENGTH = 10;
    private static final int GZIP_TRAILER_LENGTH = 8;
    private static final int BROTLI_QUALITY = 1;

    private final String parameter;

    Compression(String parameter) {
        this.parameter = parameter;
    }

    /** The byte in front of the payload; also the sum tag of a compressed query update in v1. */
    public int tag() {
        return ordinal();
    }

    /** The value of the {@code compression} query parameter. */
    public String parameter() {
        return parameter;
    }

    public static Optional<Compression> ofParameter(String text) {
        return Arrays.stream(values()).filter(c -> c.parameter.equals(text)).findFirst();
    }

    /** @throws ProtocolException if there is no such tag */
    public static Compression ofTag(int tag) {
        if (tag < 0 || tag >= values().length) {
            throw new ProtocolException("unknown compression tag " + tag);
        }
        return values()[tag];
    }

    /** Whether this machine can do it: Brotli needs a native library. Without it messages go out uncompressed. */
    public boolean isAvailable() {
        return this != BROTLI || Brotli4jLoader.isAvailable();
    }

    /** The compressed bytes with {@code prefixLength} zero bytes in front, for the caller to fill. */
    public byte[] compress(byte[] data, int offset, int length, int prefixLength) {
        return switch (this) {
            case NONE -> withPrefix(data, offset, length, prefixLength);
            case GZIP -> gzip(data, offset, length, prefixLength);
            case BROTLI -> {
                Brotli4jLoader.ensureAvailability();
                try {
                    byte[] compressed = Encoder.compress(data, offset, length, Encoder.Parameters.create(BROTLI_QUALITY));
                    yield withPrefix(compressed, 0, compressed.length, prefixLength);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }

    private static byte[] withPrefix(byte[] data, int offset, int length, int prefixLength) {
        byte[] result = new byte[prefixLength + length];
        System.arraycopy(data, offset, result, prefixLength, length);
        return result;
    }

    /** A single member whose trailer ends the data, because one client takes the size from the last four bytes. */
    private static byte[] gzip(byte[] data, int offset, int length, int prefixLength) {
        Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
        try {
            deflater.setInput(data, offset, length);
            deflater.finish();
            byte[] out = new byte[prefixLength + GZIP_HEADER_LENGTH + GZIP_TRAILER_LENGTH + 64 + length / 2];
            int at = prefixLength + GZIP_HEADER_LENGTH;
            while (!deflater.finished()) {
                if (at == out.length) {
                    out = Arrays.copyOf(out, Math.addExact(out.length, out.length / 2));
                }
                at += deflater.deflate(out, at, out.length - at);
            }
            out = Arrays.copyOf(out, at + GZIP_TRAILER_LENGTH);
            out[prefixLength] = 0x1f;
            out[prefixLength + 1] = (byte) 0x8b;
            out[prefixLength + 2] = Deflater.DEFLATED;
            out[prefixLength + 8] = 4; // fastest
            out[prefixLength + 9] = (byte) 0xff; // unknown system
            CRC32 crc = new CRC32();
            crc.update(data, offset, length);
            putInt(out, at, (int) crc.getValue());
            putInt(out, at + 4, length);
            return out;
        } finally {
            deflater.end();
        }
    }

    private static void putInt(byte[] out, int at, int v) {
        out[at] = (byte) v;
        out[at + 1] = (byte) (v >> 8);
        out[at + 2] = (byte) (v >> 16);
        out[at + 3] = (byte) (v >> 24);
    }

    /**
     * The uncompressed bytes.
     *
     * @throws ProtocolException if the data is not well-formed or expands beyond {@code lengthMax}
     */
    public byte[] decompress(byte[] data, int offset, int length, int lengthMax) {
        InputStream in = new ByteArrayInputStream(data, offset, length);
        try (InputStream plain = switch (this) {
                    case NONE -> in;
                    case GZIP -> new GZIPInputStream(in);
                    case BROTLI -> {
                        Brotli4jLoader.ensureAvailability();
                        yield new BrotliInputStream(in);
                    }
                }) {
            byte[] result = plain.readNBytes(lengthMax);
            if (result.length == lengthMax && plain.read() >= 0) {
                throw new ProtocolException("message expands to more than " + lengthMax + " bytes");
            }
            return result;
        } catch (IOException e) {
            throw new ProtocolException("malformed " + parameter + " data");
        }
    }
}
