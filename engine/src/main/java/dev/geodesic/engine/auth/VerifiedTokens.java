package dev.geodesic.engine.auth;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;

/** Tokens that were verified not long ago, as many as fit into a bounded memory. Thread-safe. */
final class VerifiedTokens {

    private static final int CHARS_MAX = 8 << 20;
    /** Longer ones are verified each time. */
    private static final int TOKEN_CHARS_MAX = 4 << 10;

    private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private int chars;

    /** @param keys those that verified it; null for our own */
    private record Entry(TokenClaims claims, IssuerKeys keys) {
    }

    /** What a token says, if it is known and {@code current} agrees to its keys. */
    synchronized Optional<TokenClaims> get(String token, BiPredicate<TokenClaims, IssuerKeys> current) {
        Entry entry = entries.get(token);
        return entry != null && current.test(entry.claims(), entry.keys()) ? Optional.of(entry.claims()) : Optional.empty();
    }

    synchronized void put(String token, TokenClaims claims, IssuerKeys keys) {
        if (token.length() > TOKEN_CHARS_MAX) {
            return;
        }
        if (entries.put(token, new Entry(claims, keys)) == null) {
            chars += token.length();
        }
        for (Iterator<String> eldest = entries.keySet().iterator(); chars > CHARS_MAX;) {
            chars -= eldest.next().length();
            eldest.remove();
        }
    }
}
