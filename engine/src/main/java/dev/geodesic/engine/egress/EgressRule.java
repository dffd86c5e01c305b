package dev.geodesic.engine.egress;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A destination that an operator names: {@code api.example.org}, {@code *.example.org} (the names below it),
 * {@code 10.1.0.0/16}, {@code [fd00::]/8} or {@code *}, each with an optional {@code :port} or {@code :first-last}.
 *
 * @param name lower-case name, of which the first label may be a star; empty for rules about addresses
 * @param block empty for rules about names
 */
public record EgressRule(Optional<String> name, Optional<AddressBlock> block, int firstPort, int lastPort) {

    private static final Pattern RULE = Pattern.compile(
            "(?:\\[(?<v6>[0-9a-fA-F:.]+)](?<v6bits>/\\d{1,3})?|(?<v4>\\d+\\.\\d+\\.\\d+\\.\\d+(?:/\\d{1,2})?)"
                    + "|(?<name>\\*|(?:\\*\\.)?[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*))"
                    + "(?::(?<first>\\d{1,5})(?:-(?<last>\\d{1,5}))?)?");
    private static final int PORT_MAX = 65_535;

    /**
     * Reads rules separated by commas.
     *
     * @throws IllegalArgumentException names the rule that is none
     */
    public static List<EgressRule> parseAll(String text) {
        return Arrays.stream(text.split(",")).map(String::strip).filter(rule -> !rule.isEmpty()).map(EgressRule::parse).toList();
    }

    /** @throws IllegalArgumentException names the rule */
    public static EgressRule parse(String text) {
        Matcher rule = RULE.matcher(text);
        if (rule.matches()) {
            try {
                int first = rule.group("first") == null ? 0 : Integer.parseInt(rule.group("first"));
                int last = rule.group("last") != null ? Integer.parseInt(rule.group("last"))
                        : rule.group("first") == null ? PORT_MAX : first;
                if (first <= last && last <= PORT_MAX) {
                    String address = rule.group("v6") == null ? rule.group("v4")
                            : rule.group("v6") + Optional.ofNullable(rule.group("v6bits")).orElse("");
                    return new EgressRule(
                            Optional.ofNullable(rule.group("name")).map(name -> name.toLowerCase(Locale.ROOT)),
                            Optional.ofNullable(address).map(AddressBlock::parse), first, last);
                }
            } catch (IllegalArgumentException e) {
                // Refused below, with the rule.
            }
        }
        throw new IllegalArgumentException("`" + text + "` is no destination: expected a host name, *.name, an IPv4 address or "
                + "block, an IPv6 one in brackets, or *, and perhaps :port or :first-last");
    }

    /** @param host as written in the URI, lower-case, without a dot at its end */
    boolean matches(String host, InetAddress address, int port) {
        return port >= firstPort && port <= lastPort
                && (name.isPresent() ? matchesName(name.get(), host) : block.get().contains(address));
    }

    private static boolean matchesName(String name, String host) {
        return name.equals("*") || (name.startsWith("*.") ? host.endsWith(name.substring(1)) : name.equals(host));
    }
}
