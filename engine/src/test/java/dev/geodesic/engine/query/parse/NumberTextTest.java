package dev.geodesic.engine.query.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NumberTextTest {

    @ParameterizedTest
    @ValueSource(strings = {
        "", "-", "+", ".", "e5", "1e", "1e+", "1 ", " 1", "0x1", "inf", "NaN", "1f", "1_0", "--1", "\u0661", "1.2.3"
    })
    void isNoNumber(String text) {
        assertEquals(false, NumberText.isNumber(text), text);
        assertEquals(Optional.empty(), NumberText.integer(text), text);
    }

    @Test
    void agreesWithBigDecimal() {
        long seed = Long.getLong("geodesic.seed", new Random().nextLong());
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            String sign = switch (random.nextInt(3)) {
                case 0 -> "-";
                case 1 -> "+";
                default -> "";
            };
            StringBuilder text = new StringBuilder(sign).append(digits(random, 1 + random.nextInt(5)));
            if (random.nextBoolean()) {
                text.append('.').append(digits(random, random.nextInt(5)));
            }
            if (random.nextBoolean()) {
                text.append(random.nextBoolean() ? 'e' : 'E').append(random.nextInt(12) - 4);
            }
            BigDecimal value = new BigDecimal(text.toString());
            boolean isIntegral = value.signum() == 0 || value.stripTrailingZeros().scale() <= 0;
            Optional<BigInteger> expected = isIntegral ? Optional.of(value.toBigInteger()) : Optional.empty();
            assertEquals(expected, NumberText.integer(text.toString()), text + " (-Dgeodesic.seed=" + seed + ")");
        }
    }

    private static String digits(Random random, int count) {
        StringBuilder digits = new StringBuilder();
        for (int i = 0; i < count; i++) {
            digits.append(random.nextInt(3) == 0 ? random.nextInt(10) : 0);
        }
        return digits.toString();
    }

    @Test
    void hugeNumbersAreCheap() {
        assertTimeoutPreemptively(Duration.ofSeconds(5), () -> {
            assertEquals(Optional.empty(), NumberText.integer("1e2147483647"));
            assertEquals(Optional.empty(), NumberText.integer("1e99999999999999999999"));
            assertEquals(Optional.empty(), NumberText.integer("1e-99999999999999999999"));
            assertEquals(Optional.of(BigInteger.ZERO), NumberText.integer("0e99999999999999999999"));
            assertEquals(Optional.empty(), NumberText.integer("9".repeat(50_000)));
            assertEquals(Optional.of(BigInteger.ONE), NumberText.integer("1" + "0".repeat(40_000) + "e-40000"));
            assertEquals(Optional.of(BigInteger.ONE), NumberText.integer("0." + "0".repeat(40_000) + "1e40001"));
        });
    }
}
