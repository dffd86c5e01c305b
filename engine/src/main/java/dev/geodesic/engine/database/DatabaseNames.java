package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.sats.Identity;
import java.util.Optional;

/** How databases are addressed (spec/http-api.md section 1). */
final class DatabaseNames {

    private static final int HEX_DIGITS = 64;
    private static final int NAME_LENGTH_MAX = 256;

    private DatabaseNames() {
    }

    /** The identity, if the text is one: 64 hex digits with an optional {@code 0x}. */
    static Optional<Identity> identity(String text) {
        String digits = text.startsWith("0x") ? text.substring(2) : text;
        if (digits.length() != HEX_DIGITS || !digits.chars().allMatch(c -> Character.digit(c, 16) >= 0 && c < 128)) {
            return Optional.empty();
        }
        return Optional.of(Identity.fromHex(digits));
    }

    /** Errors: INVALID_NAME. */
    static String check(String name) {
        boolean hyphen = true;
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c == '-') {
                if (hyphen) {
                    throw invalid("invalid hyphen in database name");
                }
                hyphen = true;
            } else if (c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
                hyphen = false;
            } else {
                throw invalid("invalid characters in database name");
            }
        }
        if (name.length() > NAME_LENGTH_MAX) {
            throw invalid("more than " + NAME_LENGTH_MAX + " characters in database name");
        }
        // What reads as an identity would never be found as a name.
        if (name.isEmpty() || identity(name).isPresent()) {
            throw invalid("invalid characters in database name");
        }
        if (hyphen) {
            throw invalid("invalid hyphen in database name");
        }
        return name;
    }

    private static EngineException invalid(String text) {
        return new EngineException(ErrorCode.INVALID_NAME, text);
    }
}
