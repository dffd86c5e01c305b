package dev.geodesic.engine.query;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Types as messages show them (spec/bsatn.md 6.4), cut after a thousand characters because types may unfold endlessly. */
public final class TypeText {

    private static final int CHARS_MAX = 1_000;

    private final StringBuilder text = new StringBuilder();

    private TypeText() {
    }

    public static String of(AlgebraicType type) {
        TypeText t = new TypeText();
        t.append(type);
        return t.text.length() > CHARS_MAX ? t.text.substring(0, CHARS_MAX) + "..." : t.text.toString();
    }

    private void append(AlgebraicType type) {
        if (text.length() > CHARS_MAX) {
            return;
        }
        switch (type) {
            case PrimitiveType p -> text.append(p.name().charAt(0)).append(p.name().substring(1).toLowerCase(Locale.ROOT));
            case ArrayType a -> {
                text.append("Array<");
                append(a.element());
                text.append('>');
            }
            case ProductType p -> product(p.elements());
            case SumType s -> sum(s.variants());
            case AlgebraicType.Ref r -> text.append('&').append(r.index());
        }
    }

    private void product(List<ProductElement> elements) {
        text.append('(');
        for (int i = 0; i < elements.size() && text.length() <= CHARS_MAX; i++) {
            element(i, ", ", elements.get(i).name(), elements.get(i).type());
        }
        text.append(')');
    }

    private void sum(List<SumVariant> variants) {
        text.append('(');
        for (int i = 0; i < variants.size() && text.length() <= CHARS_MAX; i++) {
            element(i, " | ", variants.get(i).name(), variants.get(i).type());
        }
        text.append(variants.isEmpty() ? "|)" : ")");
    }

    private void element(int index, String separator, Optional<String> name, AlgebraicType type) {
        text.append(index == 0 ? "" : separator).append(name.orElse(Integer.toString(index))).append(": ");
        append(type);
    }
}
