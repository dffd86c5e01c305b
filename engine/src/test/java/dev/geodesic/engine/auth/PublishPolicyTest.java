package dev.geodesic.engine.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("http-api.md 3.5")
class PublishPolicyTest {

    private static TokenClaims claims(String issuer, String subject) {
        return TokenClaims.parse(("{\"iss\":\"" + issuer + "\",\"sub\":\"" + subject + "\",\"iat\":1}")
                .getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void allowsWhomItNames() {
        TokenClaims ann = claims("https://a.test", "ann");
        TokenClaims bob = claims("https://b.test", "bob");
        PublishPolicy policy = PublishPolicy.parse(ann.identity().toHex() + ", issuer:https://c.test,role:publisher");
        assertEquals(
                new PublishPolicy(false, Set.of(ann.identity()), Set.of("https://c.test"), Set.of("publisher")), policy);
        assertTrue(policy.allows(ann, role -> false));
        assertFalse(policy.allows(bob, role -> false));
        assertFalse(policy.allows(bob, "Publisher"::equals));
        assertTrue(policy.allows(bob, "publisher"::equals));
        assertTrue(policy.allows(claims("https://c.test", "bob"), role -> false));
        assertFalse(policy.allows(claims("https://c.test/", "bob"), role -> false));
        assertTrue(PublishPolicy.parse("anyone").allows(bob, role -> false));
        assertEquals(PublishPolicy.ANYONE, PublishPolicy.parse(" anyone "));
        assertEquals(Set.of(Identity.fromHex("c2".repeat(32))), PublishPolicy.parse("C2".repeat(32)).identities());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",anyone", "everyone", "Anyone", "issuer:", "role:", "c200", "role", "user:ann"})
    void refusesWhatIsNobody(String text) {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> PublishPolicy.parse(text)).getMessage()
                .contains(" is nobody: "));
    }
}
