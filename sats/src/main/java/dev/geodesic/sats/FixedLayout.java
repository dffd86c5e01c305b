package dev.geodesic.sats;

/**
 * Size and alignment, in bytes, that the migration rules compare (spec/bsatn.md section 10). Nothing is stored in this
 * form. The type must be free of references.
 */
public record FixedLayout(int size, int align) {

    /** Strings and arrays: a pointer into elsewhere. */
    private static final FixedLayout VARIABLE = new FixedLayout(4, 2);

    public static FixedLayout of(AlgebraicType type) {
        return switch (type) {
            case PrimitiveType p when p == PrimitiveType.STRING -> VARIABLE;
            case PrimitiveType p -> new FixedLayout(p.byteSize(), p.byteSize());
            case ArrayType a -> VARIABLE;
            case ProductType product -> {
                int size = 0;
                int align = 1;
                for (ProductElement element : product.elements()) {
                    FixedLayout layout = of(element.type());
                    size = alignUp(size, layout.align) + layout.size;
                    align = Math.max(align, layout.align);
                }
                yield new FixedLayout(alignUp(size, align), align);
            }
            case SumType sum -> {
                int size = 0;
                int align = 1;
                for (SumVariant variant : sum.variants()) {
                    FixedLayout layout = of(variant.type());
                    size = Math.max(size, layout.size);
                    align = Math.max(align, layout.align);
                }
                yield new FixedLayout(align + alignUp(size, align), align);
            }
            case AlgebraicType.Ref ref -> throw Bsatn.unresolved(ref);
        };
    }

    private static int alignUp(int size, int align) {
        return Math.ceilDiv(size, align) * align;
    }
}
