package dev.geodesic.engine.schema;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How names of the source become canonical (spec/module-def.md 4.2). {@link #NONE} keeps every name. The order is the
 * order of the tags.
 */
public enum CaseConversion {
    NONE,
    SNAKE_CASE;

    /** Tables, columns, fields, functions. */
    String snake(String name) {
        return this == NONE ? name : words(name).stream().map(CaseConversion::lower).collect(Collectors.joining("_"));
    }

    /** Variants of sums. */
    String camel(String name) {
        if (this == NONE) {
            return name;
        }
        List<String> words = words(name);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < words.size(); i++) {
            text.append(i == 0 ? lower(words.get(i)) : capitalised(words.get(i)));
        }
        return text.toString();
    }

    /** Types and their scopes. */
    String pascal(String name) {
        return this == NONE ? name : words(name).stream().map(CaseConversion::capitalised).collect(Collectors.joining());
    }

    private static String lower(String word) {
        return word.toLowerCase(Locale.ROOT);
    }

    private static String capitalised(String word) {
        int first = word.offsetByCodePoints(0, 1);
        return word.substring(0, first).toUpperCase(Locale.ROOT) + lower(word.substring(first));
    }

    private static List<String> words(String name) {
        int[] points = name.codePoints().toArray();
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < points.length; i++) {
            int c = points[i];
            boolean separator = c == '_' || c == '-' || c == ' ';
            if ((separator || i > 0 && isBoundary(points, i)) && !word.isEmpty()) {
                words.add(word.toString());
                word.setLength(0);
            }
            if (!separator) {
                word.appendCodePoint(c);
            }
        }
        if (!word.isEmpty()) {
            words.add(word.toString());
        }
        return words;
    }

    /** Whether a word ends between {@code i - 1} and {@code i}. */
    private static boolean isBoundary(int[] points, int i) {
        int a = points[i - 1];
        int b = points[i];
        if (isDigit(a) || isDigit(b)) {
            return isDigit(a) ? isLetter(b) : isLetter(a);
        }
        if (Character.isLowerCase(a)) {
            return Character.isUpperCase(b);
        }
        // The last capital of a run belongs to the word that it begins: XMLHttp is XML, Http.
        return Character.isUpperCase(a)
                && Character.isUpperCase(b)
                && i + 1 < points.length
                && Character.isLowerCase(points[i + 1]);
    }

    private static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isLetter(int c) {
        return Character.isLowerCase(c) || Character.isUpperCase(c);
    }
}
