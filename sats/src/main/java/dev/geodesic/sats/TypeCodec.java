package dev.geodesic.sats;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** BSATN of types themselves (spec/bsatn.md section 3). */
public final class TypeCodec {

    private static final PrimitiveType[] PRIMITIVES = PrimitiveType.values();
    private static final int FIRST_PRIMITIVE_TAG = 4;
    private static final int VARIANTS_MAX = 256;

    private final BsatnReader in;
    private int nodes;

    private TypeCodec(BsatnReader in) {
        this.in = in;
    }

    public static void write(BsatnWriter out, AlgebraicType type) {
        out.writeU8(type.tag());
        switch (type) {
            case AlgebraicType.Ref ref -> out.writeU32(ref.index());
            case ArrayType array -> write(out, array.element());
            case ProductType product -> {
                out.writeU32(product.elements().size());
                for (ProductElement element : product.elements()) {
                    writeName(out, element.name());
                    write(out, element.type());
                }
            }
            case SumType sum -> {
                out.writeU32(sum.variants().size());
                for (SumVariant variant : sum.variants()) {
                    writeName(out, variant.name());
                    write(out, variant.type());
                }
            }
            case PrimitiveType p -> {
            }
        }
    }

    public static void write(BsatnWriter out, Typespace typespace) {
        out.writeU32(typespace.types().size());
        for (AlgebraicType type : typespace.types()) {
            write(out, type);
        }
    }

    /** The encoding of one type. */
    public static byte[] encode(AlgebraicType type) {
        BsatnWriter out = new BsatnWriter(64);
        write(out, type);
        return out.toByteArray();
    }

    /**
     * One type; references are left as they are.
     *
     * @throws BsatnException also TOO_DEEP beyond {@link AlgebraicType#DEPTH_MAX} levels and TOO_LARGE beyond
     *     {@link AlgebraicType#NODES_MAX} parts or 256 variants
     */
    public static AlgebraicType read(BsatnReader in) {
        return new TypeCodec(in).readType(1);
    }

    /** A typespace; each entry is limited as in {@link #read}. */
    public static Typespace readTypespace(BsatnReader in) {
        int count = in.readCount(1);
        List<AlgebraicType> types = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            types.add(read(in));
        }
        return new Typespace(types);
    }

    private AlgebraicType readType(int depth) {
        AlgebraicType.checkDepth(depth);
        AlgebraicType.checkNodes(++nodes);
        int tag = in.readU8();
        return switch (tag) {
            case 0 -> new AlgebraicType.Ref(in.readU32());
            case 1 -> readSum(depth);
            case 2 -> readProduct(depth);
            case 3 -> {
                AlgebraicType element = readType(depth + 1);
                yield element == PrimitiveType.U8 ? ArrayType.BYTES : new ArrayType(element);
            }
            default -> {
                if (tag - FIRST_PRIMITIVE_TAG >= PRIMITIVES.length) {
                    throw BsatnException.badTag(tag, "AlgebraicType");
                }
                yield PRIMITIVES[tag - FIRST_PRIMITIVE_TAG];
            }
        };
    }

    private AlgebraicType readProduct(int depth) {
        int count = in.readCount(2);
        AlgebraicType.checkNodes(count);
        List<ProductElement> elements = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            elements.add(new ProductElement(readName(), readType(depth + 1)));
        }
        return count == 0 ? ProductType.UNIT : new ProductType(elements);
    }

    private AlgebraicType readSum(int depth) {
        int count = in.readCount(2);
        if (count > VARIANTS_MAX) {
            throw new BsatnException(BsatnException.Code.TOO_LARGE, "sum type has more than " + VARIANTS_MAX + " variants");
        }
        List<SumVariant> variants = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            variants.add(new SumVariant(readName(), readType(depth + 1)));
        }
        return new SumType(variants);
    }

    private static void writeName(BsatnWriter out, Optional<String> name) {
        if (name.isPresent()) {
            out.writeU8(SpecialTypes.SOME_TAG);
            out.writeString(name.get());
        } else {
            out.writeU8(SpecialTypes.NONE_TAG);
        }
    }

    private Optional<String> readName() {
        int tag = in.readU8();
        return switch (tag) {
            case SpecialTypes.SOME_TAG -> Optional.of(in.readString());
            case SpecialTypes.NONE_TAG -> Optional.empty();
            default -> throw BsatnException.badTag(tag, "Option");
        };
    }
}
