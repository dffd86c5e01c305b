package dev.geodesic.engine.auth;

import dev.geodesic.sats.Identity;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Who may create databases: whoever is in one of the sets, or everybody. What owners do with their databases is no question of
 * it.
 *
 * @param issuers whose tokens may
 * @param roles of the application server
 */
public record PublishPolicy(boolean anyone, Set<Identity> identities, Set<String> issuers, Set<String> roles) {

    public static final PublishPolicy ANYONE = new PublishPolicy(true, Set.of(), Set.of(), Set.of());

    private static final String ISSUER = "issuer:";
    private static final String ROLE = "role:";

    public PublishPolicy {
        identities = Set.copyOf(identities);
        issuers = Set.copyOf(issuers);
        roles = Set.copyOf(roles);
    }

    /**
     * Reads, separated by commas, {@code anyone}, identities as 64 hex digits, {@code issuer:} with an issuer of tokens, and
     * {@code role:} with a role.
     *
     * @throws IllegalArgumentException names what is none of these
     */
    public static PublishPolicy parse(String text) {
        boolean anyone = false;
        Set<Identity> identities = new HashSet<>();
        Set<String> issuers = new HashSet<>();
        Set<String> roles = new HashSet<>();
        for (String part : text.split(",")) {
            String entry = part.strip();
            if (entry.equals("anyone")) {
                anyone = true;
            } else if (entry.startsWith(ISSUER) && entry.length() > ISSUER.length()) {
                issuers.add(entry.substring(ISSUER.length()));
            } else if (entry.startsWith(ROLE) && entry.length() > ROLE.length()) {
                roles.add(entry.substring(ROLE.length()));
            } else {
                try {
                    identities.add(Identity.fromHex(entry));
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException("`" + entry + "` is nobody: expected `anyone`, an identity of 64 hex "
                            + "digits, `issuer:` with an issuer of tokens, or `role:` with a role of the application server");
                }
            }
        }
        return new PublishPolicy(anyone, identities, issuers, roles);
    }

    /** @param isInRole what the application server knows of the caller */
    public boolean allows(TokenClaims caller, Predicate<String> isInRole) {
        return anyone || identities.contains(caller.identity()) || issuers.contains(caller.issuer())
                || roles.stream().anyMatch(isInRole);
    }
}
