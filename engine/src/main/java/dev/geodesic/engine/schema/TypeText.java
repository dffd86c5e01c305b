package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.TypeJson;
import java.util.Optional;

/** Types as messages show them (spec/bsatn.md 6.4). */
public final class TypeText {

    /** Where the text of a type ends, because a hostile type has a text without end. */
    private static final int LENGTH_MAX = 2_000;

    private final StringBuilder out = new StringBuilder();

    private TypeText() {
    }

    /** Text of the type; what is longer than a reader wants ends in dots. */
    public static String of(AlgebraicType type) {
        TypeText text = new TypeText();
        text.append(type);
        if (text.isFull()) {
            text.out.setLength(LENGTH_MAX);
            text.out.append("...");
        }
        return text.out.toString();
    }

    private boolean isFull() {
        return out.length() > LENGTH_MAX;
    }

    private void append(AlgebraicType type) {
        if (isFull()) {
            return;
        }
        switch (type) {
            case PrimitiveType p -> out.append(TypeJson.name(p));
            case AlgebraicType.Ref ref -> out.append('&').append(Integer.toUnsignedString(ref.index()));
            case ArrayType array -> {
                out.append("Array<");
                append(array.element());
                out.append('>');
            }
            case ProductType product -> {
                out.append('(');
                for (int i = 0; i < product.elements().size() && !isFull(); i++) {
                    appendPart(i, ", ", product.elements().get(i).name(), product.elements().get(i).type());
                }
                out.append(')');
            }
            case SumType sum -> {
                out.append(sum.variants().isEmpty() ? "(|" : "(");
                for (int i = 0; i < sum.variants().size() && !isFull(); i++) {
                    appendPart(i, " | ", sum.variants().get(i).name(), sum.variants().get(i).type());
                }
                out.append(')');
            }
        }
    }

    private void appendPart(int index, String separator, Optional<String> name, AlgebraicType type) {
        out.append(index == 0 ? "" : separator).append(name.orElse(Integer.toString(index))).append(": ");
        append(type);
    }
}
