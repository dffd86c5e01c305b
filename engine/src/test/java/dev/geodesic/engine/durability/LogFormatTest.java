package dev.geodesic.engine.durability;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.testkit.Proves;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The examples in docs/formats/commitlog.md are what the code writes and reads. */
class LogFormatTest {

    private static final long SALT = 0x0807060504030201L;
    private static final HexFormat HEX = HexFormat.of();

    /** The indented bytes behind a heading. */
    private static byte[] example(String heading) throws Exception {
        String page = Files.readString(Path.of("../docs/formats/commitlog.md"));
        Matcher found = Pattern.compile("### " + heading + "\n.*?\n\n((?:    [0-9a-f ]+\n)+)", Pattern.DOTALL).matcher(page);
        assertTrue(found.find(), heading);
        return HEX.parseHex(found.group(1).replaceAll("\\s", ""));
    }

    private static byte[] writtenRecord() {
        return LogFilesTest.record(1_700_000_000_000_000L, "abc".getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] writtenSegment() throws Exception {
        CommitLogOptions defaults = CommitLogOptions.DEFAULTS;
        CommitLogOptions options = new CommitLogOptions(1 << 20, 16, 1 << 20, 0, defaults.threads(), () -> SALT);
        FaultyStorage storage = new FaultyStorage(new Random(1));
        byte[] record = writtenRecord();
        storage.put(LogFormat.fileName(7, LogFormat.BEGIN_SUFFIX), new byte[0]);
        try (CommitLog log = CommitLog.open(storage, options, new LogStart(7, 1), (o, b, a, l) -> { })) {
            log.append(7, record, 0, record.length);
        }
        return storage.content(LogFormat.fileName(7));
    }

    @Test
    @Proves("durability.md 6.4")
    void record() throws Exception {
        assertEquals(HEX.formatHex(example("A record")), HEX.formatHex(writtenRecord()));
        List<String> parts = new ArrayList<>();
        byte[] record = example("A record");
        assertEquals(1_700_000_000_000_000L, TxRecord.commitMicros(record, 0, record.length));
        TxRecord.read(record, 0, record.length, new TxRecord.Visitor() {
            @Override
            public boolean table(int tableId) {
                return parts.add("table " + tableId);
            }

            @Override
            public void delete(byte[] buffer, int offset, int length) {
                parts.add("delete");
            }

            @Override
            public void insert(byte[] buffer, int offset, int length) {
                parts.add("insert " + new String(buffer, offset, length, StandardCharsets.US_ASCII));
            }
        });
        assertEquals(List.of("table 5000", "insert abc"), parts);
    }

    @Test
    @Proves("durability.md 6.2")
    @Proves("durability.md 6.3")
    void segment() throws Exception {
        assertEquals(HEX.formatHex(example("A segment")), HEX.formatHex(writtenSegment()));
    }

    @Test
    @Proves("durability.md 6.1")
    void index() throws Exception {
        SegmentIndex index = new SegmentIndex(7, SALT);
        index.add(300, 65_600, 1_700_000_000_000_000L);
        assertEquals(HEX.formatHex(example("An index")), HEX.formatHex(index.bytes(0)));
    }

    @Test
    @Proves("durability.md 6.5")
    void compressedSegment() throws Exception {
        FaultyStorage storage = new FaultyStorage(new Random(1));
        storage.put("plain", writtenSegment());
        CompressedSegment.write("plain", storage.open("plain"), storage.create("compressed"), () -> { });
        storage.put("example", example("A compressed segment"));
        // Another version of the library may compress in another way, but must read the same.
        for (String name : List.of("compressed", "example")) {
            CompressedSegment segment = new CompressedSegment(name, storage.open(name));
            byte[] bytes = new byte[Math.toIntExact(segment.size())];
            CompressedSegment.readFully(segment, name, ByteBuffer.wrap(bytes), 0);
            segment.close();
            assertArrayEquals(writtenSegment(), bytes, HEX.formatHex(storage.content("compressed")));
        }
    }
}
