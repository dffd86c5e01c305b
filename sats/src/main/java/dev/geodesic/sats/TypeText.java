package dev.geodesic.sats;

import java.util.List;
import java.util.Optional;

/** Types as people read them, in migration plans and messages (spec/bsatn.md 6.4): {@code (a: U8, b: Array<String>)}. */
public final class TypeText {

    private TypeText() {
    }

    public static String of(AlgebraicType type) {
        StringBuilder out = new StringBuilder();
        append(type, out);
        return out.toString();
    }

    private static void append(AlgebraicType type, StringBuilder out) {
        switch (type) {
            case PrimitiveType p -> out.append(TypeJson.name(p));
            case AlgebraicType.Ref ref -> out.append('&').append(Integer.toUnsignedString(ref.index()));
            case ArrayType array -> {
                out.append("Array<");
                append(array.element(), out);
                out.append('>');
            }
            case ProductType product -> {
                out.append('(');
                List<ProductElement> elements = product.elements();
                for (int i = 0; i < elements.size(); i++) {
                    appendPart(i, ", ", elements.get(i).name(), elements.get(i).type(), out);
                }
                out.append(')');
            }
            case SumType sum when sum.variants().isEmpty() -> out.append("(|)");
            case SumType sum -> {
                out.append('(');
                List<SumVariant> variants = sum.variants();
                for (int i = 0; i < variants.size(); i++) {
                    appendPart(i, " | ", variants.get(i).name(), variants.get(i).type(), out);
                }
                out.append(')');
            }
        }
    }

    private static void appendPart(int index, String separator, Optional<String> name, AlgebraicType type, StringBuilder out) {
        if (index > 0) {
            out.append(separator);
        }
        out.append(name.orElseGet(() -> Integer.toString(index))).append(": ");
        append(type, out);
    }
}
