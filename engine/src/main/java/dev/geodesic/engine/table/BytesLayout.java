package dev.geodesic.engine.table;

import java.lang.foreign.MemorySegment;

/** A u32 length and bytes: String, and Array of U8. Compares by bytes, which for UTF-8 is the order of code points. */
final class BytesLayout extends TypeLayout {

    static final BytesLayout STRING = new BytesLayout(true);
    static final BytesLayout BYTES = new BytesLayout(false);

    private final boolean text;

    private BytesLayout(boolean text) {
        super(4, false, false, true, Integer.MAX_VALUE);
        this.text = text;
    }

    @Override
    long validate(MemorySegment s, long at, long end) {
        if (end - at < 4) {
            throw tooShort("u32", 4, end - at);
        }
        long length = Bytes.getU32(s, at);
        if (end - at - 4 < length) {
            throw tooShort(text ? "String" : "bytes", length, end - at - 4);
        }
        if (text && !Bytes.isUtf8(s, at + 4, length)) {
            throw malformed("invalid utf8");
        }
        return at + 4 + length;
    }

    @Override
    long skip(MemorySegment s, long at) {
        return at + 4 + Bytes.getU32(s, at);
    }

    @Override
    int compare(MemorySegment a, long i, MemorySegment b, long j) {
        return Bytes.compare(a, i + 4, Bytes.getU32(a, i), b, j + 4, Bytes.getU32(b, j));
    }

    @Override
    long prefix(MemorySegment s, long at) {
        return Bytes.prefix(s, at + 4, Bytes.getU32(s, at));
    }

    @Override
    boolean hasSecond() {
        return true;
    }

    @Override
    long second(MemorySegment s, long at) {
        return Bytes.prefix(s, at + 12, Bytes.getU32(s, at) - 8);
    }
}
