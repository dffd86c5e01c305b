package dev.geodesic.engine.query.parse;

import java.math.BigInteger;
import java.util.Optional;

/** Numbers in SQL text (spec/sql.md section 4). Linear in the length of the text, however large the exponent is. */
public final class NumberText {

    /** More than any 256-bit integer has. */
    private static final int DIGITS_MAX = 78;
    private static final int EXPONENT_DIGITS_MAX = 9;

    private final boolean negative;
    /** Digits of the mantissa without the point. */
    private final String digits;
    /** Power of ten for the last digit of the mantissa; saturated. */
    private final long exponent;

    private NumberText(boolean negative, String digits, long exponent) {
        this.negative = negative;
        this.digits = digits;
        this.exponent = exponent;
    }

    /** Whether the text is a number: {@code 1}, {@code -1}, {@code +1}, {@code 1e3}, {@code .5}, {@code 1.5E-2}. */
    public static boolean isNumber(String text) {
        return read(text).isPresent();
    }

    /** The value, if the text is a number whose value is an integer of at most 256 bits or so, in any notation. */
    public static Optional<BigInteger> integer(String text) {
        return read(text).flatMap(NumberText::integer);
    }

    private Optional<BigInteger> integer() {
        int from = 0;
        while (from < digits.length() && digits.charAt(from) == '0') {
            from++;
        }
        if (from == digits.length()) {
            return Optional.of(BigInteger.ZERO);
        }
        int to = digits.length();
        long power = exponent;
        while (digits.charAt(to - 1) == '0') {
            to--;
            power++;
        }
        if (power < 0 || to - from + power > DIGITS_MAX) {
            return Optional.empty();
        }
        BigInteger value = new BigInteger(digits.substring(from, to) + "0".repeat((int) power));
        return Optional.of(negative ? value.negate() : value);
    }

    private static Optional<NumberText> read(String text) {
        int at = 0;
        boolean negative = text.startsWith("-");
        if (negative || text.startsWith("+")) {
            at++;
        }
        int whole = digitsEnd(text, at);
        String digits = text.substring(at, whole);
        at = whole;
        int fractionLength = 0;
        if (at < text.length() && text.charAt(at) == '.') {
            int end = digitsEnd(text, at + 1);
            digits += text.substring(at + 1, end);
            fractionLength = end - at - 1;
            at = end;
        }
        if (digits.isEmpty()) {
            return Optional.empty();
        }
        long exponent = 0;
        if (at < text.length() && (text.charAt(at) | 0x20) == 'e') {
            at++;
            boolean down = text.startsWith("-", at);
            if (down || text.startsWith("+", at)) {
                at++;
            }
            int end = digitsEnd(text, at);
            if (end == at) {
                return Optional.empty();
            }
            exponent = exponentValue(text, at, end);
            exponent = down ? -exponent : exponent;
            at = end;
        }
        return at == text.length()
                ? Optional.of(new NumberText(negative, digits, exponent - fractionLength))
                : Optional.empty();
    }

    private static long exponentValue(String text, int from, int to) {
        while (from < to && text.charAt(from) == '0') {
            from++;
        }
        return from == to ? 0 : to - from > EXPONENT_DIGITS_MAX ? Integer.MAX_VALUE : Long.parseLong(text, from, to, 10);
    }

    private static int digitsEnd(String text, int at) {
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        return at;
    }
}
