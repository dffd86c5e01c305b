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

    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

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
        if (!value.matches("\\+?[0-9]{1,18}")) {
            throw refused(value.isEmpty() ? "cannot parse integer from empty string" : "invalid digit found in string");
        }
        long number = Long.parseLong(value);
        if (number > max) {
            throw refused("number too large to fit in target type");
        }
        return OptionalLong.of(number);
    }

    /** A time such as {@code 5s}. */
    Optional<Duration> duration(String name) {
        return text(name).map(value -> {
            Matcher parts = DURATION.matcher(value);
            if (!parts.matches()) {
                throw refused("expected a duration such as `5s`");
            }
            long count = Long.parseLong(parts.group(1));
            return switch (parts.group(2)) {
                case "ms" -> Duration.ofMillis(count);
                case "s" -> Duration.ofSeconds(count);
                case "m" -> Duration.ofMinutes(count);
                default -> Duration.ofHours(count);
            };
        });
    }

    /** A hash: {@code 0x} and up to 64 hex digits; as {@code 0x} and digits without leading zeros. */
    Optional<String> hash(String name) {
        return text(name).map(value -> {
            if (!value.matches("0x[0-9a-fA-F]{1,64}")) {
                throw refused("expected `0x` and up to 64 hex digits");
            }
            String digits = value.substring(2).toLowerCase(Locale.ROOT).replaceFirst("^0+(?=.)", "");
            return "0x" + digits;
        });
    }
}
