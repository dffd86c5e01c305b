package dev.geodesic.engine.table;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;

/**
 * Reads single columns straight out of a row's BSATN bytes (spec/bsatn.md section 2). Columns behind fixed-size ones
 * only lie at a known offset; for the others the columns of variable size before them are passed. All methods but
 * {@link #validate} need bytes that it has accepted. Immutable; allocates nothing.
 */
public final class RowLayout {

    private final ProductType type;
    private final ProductLayout product;
    private final int[] variableBefore;
    private final long[] fixedBytesBefore;

    private RowLayout(ProductType type) {
        this.type = type;
        product = new ProductLayout(TypeLayout.ofAll(type.elements()));
        int columns = type.elements().size();
        variableBefore = new int[columns];
        fixedBytesBefore = new long[columns];
        for (int c = 0; c < columns; c++) {
            variableBefore[c] = product.variableBefore(c);
            fixedBytesBefore[c] = product.fixedBytesBefore(c);
        }
    }

    /**
     * @param type resolved type, free of references
     * @throws EngineException LIMIT_EXCEEDED if the type nests too deep or has too many parts
     */
    public static RowLayout of(ProductType type) {
        return new RowLayout(type);
    }

    public ProductType type() {
        return type;
    }

    /**
     * Checks that a row starts at {@code offset}; bytes behind the row are not looked at. Takes time proportional to the
     * row's length.
     *
     * @param available bytes from {@code offset} that may be read
     * @return length of the row in bytes
     * @throws EngineException BSATN_DECODE_ERROR if there is no row
     */
    public int validate(MemorySegment segment, long offset, long available) {
        long length = product.validate(segment, offset, offset + available) - offset;
        if (length > Integer.MAX_VALUE) {
            throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "a row has more than " + Integer.MAX_VALUE + " bytes");
        }
        return (int) length;
    }

    /** Whether equal values have equal bytes in every column; false where a float is inside. */
    public boolean isBytewise() {
        return product.bytewise;
    }

    /** Length of every row, if all have the same. */
    public OptionalInt fixedLength() {
        return product.fixed && product.minSize <= Integer.MAX_VALUE
                ? OptionalInt.of((int) product.minSize)
                : OptionalInt.empty();
    }

    /** Length of the row at {@code row}. */
    public int length(MemorySegment segment, long row) {
        return (int) product.size(segment, row);
    }

    /** Where a column starts. */
    public long columnOffset(MemorySegment segment, long row, int column) {
        return product.skipVariable(segment, row, variableBefore[column]) + fixedBytesBefore[column];
    }

    /** Encoded length of a column. */
    public int columnLength(MemorySegment segment, long row, int column) {
        TypeLayout layout = product.elements[column];
        return (int) (layout.fixed ? layout.minSize : layout.size(segment, columnOffset(segment, row, column)));
    }

    /** Hash of a row's bytes; differs from one process to the next. */
    public long hash(MemorySegment segment, long offset, int length) {
        return Bytes.hash(segment, offset, length, 0);
    }

    /** Whether two byte ranges are equal. */
    public static boolean sameBytes(MemorySegment a, long offsetA, MemorySegment b, long offsetB, int length) {
        return Bytes.same(a, offsetA, b, offsetB, length);
    }

    TypeLayout column(int column) {
        return product.elements[column];
    }
}
