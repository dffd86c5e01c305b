package dev.geodesic.engine.table;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * How the values of one type lie in bytes, and how they compare (spec/bsatn.md sections 2 and 5). {@link #validate}
 * trusts nothing; all other methods need bytes that it has accepted. Immutable, allocates nothing per value.
 */
abstract sealed class TypeLayout
        permits IntegerLayout, WideIntegerLayout, FloatLayout, BoolLayout, BytesLayout, ArrayLayout, ProductLayout, SumLayout {

    /** Levels of products, sums and arrays inside one another; the methods recurse that deep. */
    static final int NESTING_MAX = 128;
    /** Distinct parts of one type. */
    static final int PARTS_MAX = 1 << 16;
    /** Sizes saturate here, far above any row. */
    private static final long SIZE_MAX = 1L << 40;

    /** Least number of bytes of a value. */
    final long minSize;
    /** Whether every value takes exactly {@code minSize} bytes. */
    final boolean fixed;
    /** Whether the size is fixed and any bytes are a value. */
    final boolean plain;
    /** Whether equal values have equal bytes; false where a float is inside. */
    final boolean bytewise;
    /** Leading bits of {@link #prefix} that a value can set; 64 if not {@link #prefixExact}. */
    final int prefixBits;
    /** Whether values with equal prefix are equal. */
    final boolean prefixExact;

    TypeLayout(long minSize, boolean fixed, boolean plain, boolean bytewise, int prefixBits) {
        this.minSize = Math.min(minSize, SIZE_MAX);
        this.fixed = fixed;
        this.plain = plain;
        this.bytewise = bytewise;
        this.prefixExact = prefixBits <= Long.SIZE;
        this.prefixBits = Math.min(prefixBits, Long.SIZE);
    }

    /** Position behind the value at {@code at}; BSATN_DECODE_ERROR if there is none before {@code end}. */
    abstract long validate(MemorySegment s, long at, long end);

    /** Position behind the value. */
    abstract long skip(MemorySegment s, long at);

    abstract int compare(MemorySegment a, long i, MemorySegment b, long j);

    /**
     * The first 64 bits of an order-preserving form, as unsigned number: a smaller prefix means a smaller value. The
     * bits behind {@link #prefixBits} are zero.
     */
    abstract long prefix(MemorySegment s, long at);

    /** Whether {@link #second} says anything. */
    boolean hasSecond() {
        return false;
    }

    /** The 64 bits behind {@link #prefix}: among values with equal prefix a smaller number means a smaller value. */
    long second(MemorySegment s, long at) {
        return 0;
    }

    /** Hash, equal for equal values, on top of {@code h}. */
    long hash(MemorySegment s, long at, long h) {
        return Bytes.hash(s, at, size(s, at), h);
    }

    final long size(MemorySegment s, long at) {
        return fixed ? minSize : skip(s, at) - at;
    }

    final boolean equal(MemorySegment a, long i, MemorySegment b, long j) {
        if (!bytewise) {
            return compare(a, i, b, j) == 0;
        }
        long size = size(a, i);
        return (fixed || size == size(b, j)) && Bytes.same(a, i, b, j, size);
    }

    /** Levels of products, sums and arrays inside this one. */
    int height() {
        return 0;
    }

    static int heightOver(TypeLayout... parts) {
        int height = 0;
        for (TypeLayout part : parts) {
            height = Math.max(height, part.height() + 1);
        }
        return height;
    }

    static EngineException tooShort(String what, long expected, long given) {
        return new EngineException(
                ErrorCode.BSATN_DECODE_ERROR, "data too short for " + what + ": Expected " + expected + ", given " + given);
    }

    static EngineException malformed(String message) {
        return new EngineException(ErrorCode.BSATN_DECODE_ERROR, message);
    }

    /** Layouts of the elements, in order. Errors: LIMIT_EXCEEDED if a type is too deep or too large. */
    static TypeLayout[] ofAll(List<ProductElement> elements) {
        return new Compiler().elements(elements, 1);
    }

    /** Types that share parts are compiled once per part: a small definition can otherwise unfold into billions of nodes. */
    private static final class Compiler {

        private final Map<AlgebraicType, TypeLayout> compiled = new IdentityHashMap<>();

        TypeLayout[] elements(List<ProductElement> elements, int depth) {
            return elements.stream().map(e -> compile(e.type(), depth)).toArray(TypeLayout[]::new);
        }

        TypeLayout compile(AlgebraicType type, int depth) {
            if (depth > NESTING_MAX) {
                throw tooDeep();
            }
            TypeLayout known = compiled.get(type);
            if (known != null) {
                if (depth + known.height() > NESTING_MAX) {
                    throw tooDeep();
                }
                return known;
            }
            TypeLayout layout = switch (type) {
                case PrimitiveType p -> primitive(p);
                case ArrayType a when a.element() == PrimitiveType.U8 -> BytesLayout.BYTES;
                case ArrayType a -> new ArrayLayout(compile(a.element(), depth + 1));
                case ProductType p -> product(elements(p.elements(), depth + 1));
                case SumType s -> new SumLayout(
                        s.variants().stream().map(SumVariant::type).map(t -> compile(t, depth + 1)).toArray(TypeLayout[]::new));
                case AlgebraicType.Ref r -> throw new EngineException(
                        ErrorCode.INTERNAL, "a row type holds the unresolved reference &" + r.index());
            };
            compiled.put(type, layout);
            if (compiled.size() > PARTS_MAX) {
                throw new EngineException(ErrorCode.LIMIT_EXCEEDED, "a row type has more than " + PARTS_MAX + " parts");
            }
            return layout;
        }

        private static EngineException tooDeep() {
            return new EngineException(ErrorCode.LIMIT_EXCEEDED, "a type nests more than " + NESTING_MAX + " levels deep");
        }

        /** Units inside a product say nothing, and a single element lies, compares and hashes like its product. */
        private static TypeLayout product(TypeLayout[] elements) {
            TypeLayout[] sized = Arrays.stream(elements).filter(e -> e.minSize > 0).toArray(TypeLayout[]::new);
            return sized.length == 1 ? sized[0] : new ProductLayout(sized);
        }

        private static TypeLayout primitive(PrimitiveType type) {
            return switch (type) {
                case STRING -> BytesLayout.STRING;
                case BOOL -> BoolLayout.BOOL;
                case F32 -> FloatLayout.F32;
                case F64 -> FloatLayout.F64;
                case I8, U8, I16, U16, I32, U32, I64, U64 -> new IntegerLayout(type);
                case I128, U128, I256, U256 -> new WideIntegerLayout(type);
            };
        }
    }
}
