package dev.geodesic.engine.schema;

import java.text.Normalizer;
import java.util.Optional;

/** What may be an identifier (spec/module-def.md 4.3). */
final class Identifiers {

    private Identifiers() {
    }

    /** What is wrong with {@code name}, or empty if it is an identifier. */
    static Optional<String> problem(String name) {
        if (name.isEmpty()) {
            return Optional.of("Empty identifiers are forbidden.");
        }
        if (!Normalizer.isNormalized(name, Normalizer.Form.NFC)) {
            return Optional.of("Identifier `" + name + "` is not in normalization form C according to Unicode Standard Annex 15, "
                    + "which is required.");
        }
        int first = name.codePointAt(0);
        if (first != '_' && !isXidStart(first)) {
            return Optional.of("Identifier `" + name + "`'s starting character '" + Character.toString(first)
                    + "' is neither an underscore nor a letter that may start an identifier (XID_Start).");
        }
        return name.codePoints()
                .skip(1)
                .filter(c -> !isXidContinue(c))
                .boxed()
                .findFirst()
                .map(c -> "Identifier `" + name + "` contains a character '" + Character.toString(c)
                        + "' that is not an XID_continue character, which is required.");
    }

    private static boolean isXidStart(int c) {
        return Character.isUnicodeIdentifierStart(c) && !isLostByNormalization(c) && !isContinueOnly(c);
    }

    private static boolean isXidContinue(int c) {
        return Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c) && !isLostByNormalization(c);
    }

    /* The X in XID: letters whose compatibility decomposition is no identifier (Unicode Standard Annex 31, 5.1). */

    private static boolean isLostByNormalization(int c) {
        return switch (c) {
            case 0x037A, 0x309B, 0x309C, 0xFC5E, 0xFC5F, 0xFC60, 0xFC61, 0xFC62, 0xFC63, 0xFDFA, 0xFDFB,
                    0xFE70, 0xFE72, 0xFE74, 0xFE76, 0xFE78, 0xFE7A, 0xFE7C, 0xFE7E -> true;
            default -> false;
        };
    }

    private static boolean isContinueOnly(int c) {
        return c == 0x0E33 || c == 0x0EB3 || c == 0xFF9E || c == 0xFF9F;
    }
}
