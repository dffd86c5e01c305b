package dev.geodesic.engine.auth;

import dev.geodesic.engine.egress.EgressRule;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Whose tokens are accepted besides our own.
 *
 * @param anyone whether every issuer is accepted that has an https URL and a public address
 * @param named accepted issuers, wherever they are, and over http if their URL says so; each with the audiences one of which its
 *     tokens must have, or none if that does not matter
 * @param deny destinations that are not asked for keys
 */
public record IssuerOptions(boolean anyone, Map<String, Set<String>> named, List<EgressRule> deny) {

    public static final IssuerOptions NONE = new IssuerOptions(false, Map.of(), List.of());

    public IssuerOptions {
        named = Map.copyOf(named);
        deny = List.copyOf(deny);
    }

    /**
     * Reads issuers separated by commas: {@code any}, {@code none}, or a URL and, behind it, audiences separated by spaces.
     *
     * @throws IllegalArgumentException names what is none
     */
    public static IssuerOptions parse(String text, List<EgressRule> deny) {
        boolean anyone = false;
        Map<String, Set<String>> named = new LinkedHashMap<>();
        for (String entry : text.split(",")) {
            String[] words = entry.strip().split("\\s+");
            switch (words[0]) {
                case "", "none" -> { }
                case "any" -> anyone = true;
                default -> {
                    if (address(words[0]).isEmpty()) {
                        throw new IllegalArgumentException("`" + words[0] + "` is no issuer: expected `any`, `none`, or an http "
                                + "or https URL without user, query and fragment");
                    }
                    named.put(words[0], Arrays.stream(words).skip(1).collect(Collectors.toUnmodifiableSet()));
                }
            }
        }
        return new IssuerOptions(anyone, named, deny);
    }

    /** Host and port of an issuer, if its text is the URL of one; {@link EgressRule#parse} takes them. */
    static Optional<String> address(String issuer) {
        try {
            URI uri = new URI(issuer);
            if (("https".equals(uri.getScheme()) || "http".equals(uri.getScheme())) && uri.getHost() != null
                    && uri.getRawUserInfo() == null && uri.getRawQuery() == null && uri.getRawFragment() == null) {
                int port = uri.getPort() >= 0 ? uri.getPort() : uri.getScheme().equals("https") ? 443 : 80;
                String address = uri.getHost().toLowerCase(Locale.ROOT) + ":" + port;
                EgressRule.parse(address);
                return Optional.of(address);
            }
        } catch (URISyntaxException | IllegalArgumentException e) {
            // No issuer.
        }
        return Optional.empty();
    }
}
