package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import dev.geodesic.sats.TypeText;
import java.util.Optional;

/** How large types are when written out. A few bytes of a hostile definition may mean a type of many megabytes. */
final class TypeSize {

    private static final int TEXT_SIZE_MAX = 1_000;

    private TypeSize() {
    }

    /** Number of parts and of characters in names; counting stops beyond {@code max}. */
    static long of(AlgebraicType type, long max) {
        long size = 1;
        switch (type) {
            case ProductType product -> {
                for (ProductElement e : product.elements()) {
                    size += length(e.name()) + of(e.type(), max - size);
                    if (size > max) {
                        return size;
                    }
                }
            }
            case SumType sum -> {
                for (SumVariant v : sum.variants()) {
                    size += length(v.name()) + of(v.type(), max - size);
                    if (size > max) {
                        return size;
                    }
                }
            }
            case ArrayType array -> size += of(array.element(), max - size);
            case PrimitiveType p -> {
            }
            case AlgebraicType.Ref ref -> {
            }
        }
        return size;
    }

    private static int length(Optional<String> name) {
        return name.map(String::length).orElse(0);
    }

    /** The type for a message, if a reader can take it in. */
    static String text(AlgebraicType type) {
        return of(type, TEXT_SIZE_MAX) <= TEXT_SIZE_MAX ? TypeText.of(type) : "(a type that is too long to show)";
    }
}
