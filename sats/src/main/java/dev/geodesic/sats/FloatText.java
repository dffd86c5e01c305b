package dev.geodesic.sats;

/**
 * Floating-point numbers as JSON text: the shortest digits that read back as the same number, always with a fraction or
 * an exponent (spec/bsatn.md 6.1).
 */
final class FloatText {

    private FloatText() {
    }

    static String of(double v) {
        if (!Double.isFinite(v)) {
            return "null";
        }
        if (v == 0) {
            return 1 / v < 0 ? "-0.0" : "0.0";
        }
        String text = Double.toString(Math.abs(v));
        String digits = digits(text);
        int exponent = exponent(text);
        if (digits.length() == 2) {
            // Double.toString never gives a single digit where two are closer; near zero one digit can be enough.
            String one = oneDigit(digits, exponent);
            if (Double.parseDouble(one) == Math.abs(v)) {
                digits = digits(one);
                exponent = exponent(one);
            }
        }
        return layout(v < 0, digits, exponent, 16, -4);
    }

    static String of(float v) {
        if (!Float.isFinite(v)) {
            return "null";
        }
        if (v == 0) {
            return 1 / v < 0 ? "-0.0" : "0.0";
        }
        String text = Float.toString(Math.abs(v));
        String digits = digits(text);
        int exponent = exponent(text);
        if (digits.length() == 2) {
            String one = oneDigit(digits, exponent);
            if (Float.parseFloat(one) == Math.abs(v)) {
                digits = digits(one);
                exponent = exponent(one);
            }
        }
        return layout(v < 0, digits, exponent, 13, -5);
    }

    /** Significant digits without zeros at either end. */
    private static String digits(String text) {
        int e = text.indexOf('E');
        String mantissa = (e < 0 ? text : text.substring(0, e)).replace(".", "");
        int from = 0;
        while (from < mantissa.length() - 1 && mantissa.charAt(from) == '0') {
            from++;
        }
        int to = mantissa.length();
        while (to > from + 1 && mantissa.charAt(to - 1) == '0') {
            to--;
        }
        return mantissa.substring(from, to);
    }

    /** Position of the decimal point relative to the first significant digit: 1.5 has 1, 0.15 has 0. */
    private static int exponent(String text) {
        int e = text.indexOf('E');
        String mantissa = e < 0 ? text : text.substring(0, e);
        int exponent = e < 0 ? 0 : Integer.parseInt(text.substring(e + 1));
        int point = mantissa.indexOf('.');
        int first = 0;
        while (mantissa.charAt(first) == '0' || mantissa.charAt(first) == '.') {
            first++;
        }
        return exponent + (first < point ? point - first : point + 1 - first);
    }

    private static String oneDigit(String twoDigits, int exponent) {
        int rounded = (Integer.parseInt(twoDigits) + 5) / 10;
        return rounded + ".0E" + (exponent - 1);
    }

    /** Plain notation while the point lies within {@code (min, max]} places of the first digit, otherwise an exponent. */
    private static String layout(boolean negative, String digits, int point, int max, int min) {
        StringBuilder out = new StringBuilder(26);
        if (negative) {
            out.append('-');
        }
        int count = digits.length();
        if (point >= count && point <= max) {
            out.append(digits).append("0".repeat(point - count)).append(".0");
        } else if (point > 0 && point <= max) {
            out.append(digits, 0, point).append('.').append(digits, point, count);
        } else if (point <= 0 && point >= min) {
            out.append("0.").append("0".repeat(-point)).append(digits);
        } else {
            out.append(digits.charAt(0));
            if (count > 1) {
                out.append('.').append(digits, 1, count);
            }
            out.append('e').append(point - 1);
        }
        return out.toString();
    }
}
