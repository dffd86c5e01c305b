package dev.geodesic.sats;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Replaces references by the types they point to. Each typespace entry is resolved once and then shared, so a small
 * definition whose expansion is huge costs no memory; its expanded size is limited all the same, because later walks
 * visit every part. Not thread-safe.
 */
public final class TypeResolver {

    /**
     * Product elements that take no bytes (units), in one resolved type. Without this limit the work per encoded byte
     * would have none.
     */
    public static final int UNIT_ELEMENTS_MAX = 64;

    /** Characters of the names in one resolved type: a long name in a shared part counts each time it is written. */
    public static final int NAME_CHARS_MAX = 1 << 20;

    private final Typespace typespace;
    private final Resolved[] done;
    private final boolean[] busy;

    /**
     * A resolved type with measures of its expansion: parts, levels (a reference counts as one), elements without
     * bytes, characters of names, and whether its own values take no bytes.
     */
    private record Resolved(AlgebraicType type, long nodes, int height, long unitElements, long nameChars, boolean empty) {

        Resolved {
            AlgebraicType.checkDepth(height);
            AlgebraicType.checkNodes(nodes);
            if (unitElements > UNIT_ELEMENTS_MAX) {
                throw tooLarge(UNIT_ELEMENTS_MAX + " elements without content");
            }
            if (nameChars > NAME_CHARS_MAX) {
                throw tooLarge(NAME_CHARS_MAX + " characters in names");
            }
        }

        private static BsatnException tooLarge(String limit) {
            return new BsatnException(BsatnException.Code.TOO_LARGE, "type has more than " + limit);
        }
    }

    TypeResolver(Typespace typespace) {
        this.typespace = typespace;
        this.done = new Resolved[typespace.types().size()];
        this.busy = new boolean[done.length];
    }

    /**
     * The type, free of references.
     *
     * @throws BsatnException UNRESOLVED_REF for a reference to nothing or to itself, TOO_DEEP beyond
     *     {@link AlgebraicType#DEPTH_MAX} levels, TOO_LARGE beyond {@link AlgebraicType#NODES_MAX} parts,
     *     {@link #UNIT_ELEMENTS_MAX} elements without bytes or {@link #NAME_CHARS_MAX} characters in names
     */
    public AlgebraicType resolve(AlgebraicType type) {
        return resolve(type, 1).type;
    }

    private Resolved resolve(AlgebraicType type, int depth) {
        AlgebraicType.checkDepth(depth);
        return switch (type) {
            case PrimitiveType p -> new Resolved(p, 1, 1, 0, 0, false);
            case AlgebraicType.Ref ref -> resolveRef(ref.index(), depth);
            case ArrayType array -> {
                Resolved element = resolve(array.element(), depth + 1);
                yield new Resolved(
                        element.type == array.element() ? array : new ArrayType(element.type),
                        element.nodes + 1, element.height + 1, element.unitElements, element.nameChars, false);
            }
            case ProductType product -> resolveProduct(product, depth);
            case SumType sum -> resolveSum(sum, depth);
        };
    }

    private Resolved resolveRef(int index, int depth) {
        if (index < 0 || index >= done.length) {
            throw new BsatnException(
                    BsatnException.Code.UNRESOLVED_REF, "reference &" + Integer.toUnsignedString(index) + " points to no type");
        }
        if (done[index] == null) {
            if (busy[index]) {
                throw new BsatnException(BsatnException.Code.UNRESOLVED_REF, "reference &" + index + " is recursive");
            }
            busy[index] = true;
            try {
                Resolved target = resolve(typespace.types().get(index), depth + 1);
                done[index] = new Resolved(
                        target.type, target.nodes, target.height + 1, target.unitElements, target.nameChars, target.empty);
            } finally {
                busy[index] = false;
            }
        }
        return done[index];
    }

    private Resolved resolveProduct(ProductType product, int depth) {
        List<ProductElement> elements = new ArrayList<>(product.elements().size());
        boolean same = true;
        boolean empty = true;
        long nodes = 1;
        int height = 0;
        long unitElements = 0;
        long nameChars = 0;
        for (ProductElement element : product.elements()) {
            Resolved r = resolve(element.type(), depth + 1);
            same &= r.type == element.type();
            elements.add(r.type == element.type() ? element : new ProductElement(element.name(), r.type));
            nodes += r.nodes;
            height = Math.max(height, r.height);
            unitElements += r.unitElements + (r.empty ? 1 : 0);
            nameChars += r.nameChars + length(element.name());
            empty &= r.empty;
        }
        return new Resolved(same ? product : new ProductType(elements), nodes, height + 1, unitElements, nameChars, empty);
    }

    private Resolved resolveSum(SumType sum, int depth) {
        List<SumVariant> variants = new ArrayList<>(sum.variants().size());
        boolean same = true;
        long nodes = 1;
        int height = 0;
        long unitElements = 0;
        long nameChars = 0;
        for (SumVariant variant : sum.variants()) {
            Resolved r = resolve(variant.type(), depth + 1);
            same &= r.type == variant.type();
            variants.add(r.type == variant.type() ? variant : new SumVariant(variant.name(), r.type));
            nodes += r.nodes;
            height = Math.max(height, r.height);
            unitElements += r.unitElements;
            nameChars += r.nameChars + length(variant.name());
        }
        return new Resolved(same ? sum : new SumType(variants), nodes, height + 1, unitElements, nameChars, false);
    }

    private static int length(Optional<String> name) {
        return name.isPresent() ? name.get().length() : 0;
    }
}
