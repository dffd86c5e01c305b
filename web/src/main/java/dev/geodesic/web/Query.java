package dev.geodesic.web;

import jakarta.ws.rs.core.UriInfo;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Parameters of the query string. A value that does not fit is a 400 (spec/http-api.md section 1). */
record Query(Map<String, List<String>> params) {

    private static final Pattern DURATION_PART = Pattern.compile("\\s*(\\d*)\\s*([a-zA-Z]*)");

    private static final int DURATION_DIGITS_MAX = 9;

    static Query of(UriInfo uri) {
        try {
            return new Query(uri.getQueryParameters());
        } catch (IllegalArgumentException e) {
            throw refused("malformed percent-encoding");
        }
    }

    private static RefusedException refused(String cause) {
        return new RefusedException(400, "Failed to deserialize query string: " + cause);
    }

    private String first(String name) {
        List<String> values = params.get(name);
        return values == null || values.isEmpty() ? null : values.getFirst();
    }

    Optional<String> text(String name) {
        return Optional.ofNullable(first(name));
    }

    boolean flag(String name, boolean byDefault) {
        return switch (first(name)) {
            case null -> byDefault;
            case "true" -> true;
            case "false" -> false;
            default -> throw refused("provided string was not `true` or `false`");
        };
    }

    /** One of a few texts. */
    Optional<String> choice(String name, String... variants) {
        Optional<String> value = text(name);
        if (value.isPresent() && !List.of(variants).contains(value.get())) {
            throw refused("unknown variant `" + value.get() + "`, expected "
                    + List.of(variants).stream().map(v -> "`" + v + "`").collect(Collectors.joining(" or ")));
        }
        return value;
    }

    String required(String name, String... variants) {
        return choice(name, variants).orElseThrow(() -> refused("missing field `" + name + "`"));
    }

    /** A number from 0 to {@code max}. */
    OptionalLong number(String name, long max) {
        String value = first(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (!value.matches("\\+?[0-9]+")) {
            throw refused(value.isEmpty() ? "cannot parse integer from empty string" : "invalid digit found in string");
        }
        try {
            long number = Long.parseLong(value);
            if (number <= max) {
                return OptionalLong.of(number);
            }
        } catch (NumberFormatException e) {
            // More than a long holds is more than max, too.
        }
        throw refused("number too large to fit in target type");
    }

    /** A time such as {@code 5s} or {@code 1m 30s}. */
    Optional<Duration> duration(String name) {
        return text(name).map(Query::parseDuration);
    }

    private static Duration parseDuration(String value) {
        if (value.isBlank()) {
            throw refused("value was empty");
        }
        Duration sum = Duration.ZERO;
        Matcher part = DURATION_PART.matcher(value);
        for (int at = 0; at < value.length(); at = part.end()) {
            if (!part.region(at, value.length()).lookingAt() || part.group(1).isEmpty()) {
                throw refused("expected number at " + at);
            }
            if (part.group(1).length() > DURATION_DIGITS_MAX) {
                throw refused("number is too large");
            }
            sum = sum.plus(unit(part.group(2), part.group(1)).multipliedBy(Long.parseLong(part.group(1))));
        }
        return sum;
    }

    private static Duration unit(String name, String count) {
        return switch (name) {
            case "nanos", "nsec", "ns" -> Duration.ofNanos(1);
            case "usec", "us" -> Duration.ofNanos(1000);
            case "millis", "msec", "ms" -> Duration.ofMillis(1);
            case "seconds", "second", "secs", "sec", "s" -> Duration.ofSeconds(1);
            case "minutes", "minute", "mins", "min", "m" -> Duration.ofMinutes(1);
            case "hours", "hour", "hrs", "hr", "h" -> Duration.ofHours(1);
            case "days", "day", "d" -> Duration.ofDays(1);
            case "" -> throw refused("time unit needed, for example " + count + "sec or " + count + "ms");
            default -> throw refused("unknown time unit \"" + name + "\", supported units: ns, us, ms, sec, min, hours, days");
        };
    }

    /** A hash: {@code 0x} and up to 64 hex digits; as {@code 0x} and digits without leading zeros. */
    Optional<String> hash(String name) {
        return text(name).map(value -> {
            if (!value.matches("0x[0-9a-fA-F]{1,64}")) {
                throw refused("invalid digit found in string: expected `0x` and up to 64 hex digits");
            }
            String digits = value.substring(2).toLowerCase(Locale.ROOT).replaceFirst("^0+(?=.)", "");
            return "0x" + digits;
        });
    }
}
