package dev.geodesic.engine.query.parse;

/**
 * One lexical element.
 *
 * @param text its value: an identifier without quotes, a string without quotes and doubling, hex digits, a number as
 *     written, a parameter without the colon, or the symbol
 * @param start offset of the first character in the statement
 * @param end offset behind the last character
 */
record Token(Kind kind, String text, int start, int end) {

    enum Kind {
        /** Unquoted identifier or keyword. */
        WORD,
        QUOTED_NAME,
        NUMBER,
        STRING,
        HEX,
        /** {@code :name}. */
        PARAMETER,
        /** PostgreSQL literals that have no meaning here: {@code E'..'}, {@code B'..'}, {@code $$..$$}, {@code $1}. */
        FOREIGN_LITERAL,
        SYMBOL,
        END
    }

    boolean isWord(String keyword) {
        return kind == Kind.WORD && text.equalsIgnoreCase(keyword);
    }

    boolean isSymbol(String symbol) {
        return kind == Kind.SYMBOL && text.equals(symbol);
    }

    boolean isName() {
        return kind == Kind.WORD || kind == Kind.QUOTED_NAME;
    }
}
