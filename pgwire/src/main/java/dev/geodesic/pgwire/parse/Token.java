package dev.geodesic.pgwire.parse;

/**
 * One lexical element of a statement.
 *
 * @param text an unquoted word in lower case, a quoted name as it is, a text without quotes, a number, the digits of a
 *     parameter, or the symbol
 * @param start offset of its first character
 * @param end offset behind its last
 */
public record Token(Kind kind, String text, int start, int end) {

    /** What it is. */
    public enum Kind { WORD, QUOTED_NAME, TEXT, NUMBER, PARAMETER, SYMBOL, END }

    public boolean isWord(String word) {
        return kind == Kind.WORD && text.equals(word);
    }

    public boolean isSymbol(String symbol) {
        return kind == Kind.SYMBOL && text.equals(symbol);
    }

    public boolean isName() {
        return kind == Kind.WORD || kind == Kind.QUOTED_NAME;
    }
}
