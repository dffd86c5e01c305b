package dev.geodesic.engine.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Vectors;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class HashesTest {

    private static String text(JsonValue line, String name) {
        return find(line, name).orElseThrow();
    }

    private static Optional<String> find(JsonValue line, String name) {
        return ((JsonObject) line).get(name).map(v -> ((JsonString) v).value());
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private static List<JsonValue> recorded(String section) {
        JsonObject file = (JsonObject) Json.parse(Vectors.bytes(HashesTest.class, "/golden/recorded-hashes.json"));
        return ((JsonArray) file.get(section).orElseThrow()).items();
    }

    /** Computed by the published crates; the program is in the tests of sats. */
    @Test
    void golden() {
        int identities = 0;
        int hashes = 0;
        for (String text : Vectors.lines(HashesTest.class, "/golden/hashes.jsonl")) {
            JsonValue line = Json.parse(text);
            if (find(line, "issuer").isPresent()) {
                Identity identity = IdentityDerivation.fromClaims(text(line, "issuer"), text(line, "subject"));
                assertEquals(text(line, "identity"), identity.toHex());
                assertEquals(text(line, "bsatn"), HexFormat.of().formatHex(identity.toLittleEndian()));
                identities++;
            } else {
                assertEquals(text(line, "keccak256"), Hashes.toHex(Hashes.keccak256(bytes(text(line, "input")))));
                hashes++;
            }
        }
        assertTrue(identities > 0 && hashes > 0);
    }

    @Test
    @Proves("bsatn.md 7")
    @Proves("http-api.md 3.3")
    void recordedIdentities() {
        for (JsonValue line : recorded("identities")) {
            Identity identity = IdentityDerivation.fromClaims(text(line, "issuer"), text(line, "subject"));
            assertEquals(text(line, "identity"), identity.toHex());
        }
    }

    @Test
    @Proves("bsatn.md 9")
    void recordedHashes() {
        int checked = 0;
        for (JsonValue line : recorded("hashes")) {
            switch (text(line, "use")) {
                case "program hash" -> assertEquals(
                        text(line, "keccak256"), Hashes.toHex(Hashes.keccak256(bytes("0061736d01000000"))));
                case "program hash as SATS-JSON" -> assertEquals(
                        text(line, "json"), Hashes.toNumberText(bytes(text(line, "keccak256"))));
                case "migration token" -> {
                    byte[] token = Hashes.migrationToken(
                            Identity.fromHex(text(line, "database_identity")),
                            bytes(text(line, "old_program_hash")),
                            bytes(text(line, "new_program_hash")));
                    assertEquals(text(line, "keccak256_of_the_three_texts"), Hashes.toHex(token));
                    assertEquals(text(line, "token_text"), Hashes.toNumberText(token));
                }
                case "view argument hash, anonymous" -> assertEquals(
                        text(line, "blake3"), Hashes.toHex(Hashes.viewArguments(Optional.empty())));
                default -> assertEquals(
                        text(line, "blake3"), Hashes.toHex(Hashes.viewArguments(Optional.of(new Identity(1, 0, 0, 0)))));
            }
            checked++;
        }
        assertEquals(5, checked);
    }

    @Test
    void keccakIsNotSha3() {
        assertEquals(
                "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
                Hashes.toHex(Hashes.keccak256("abc".getBytes(StandardCharsets.UTF_8))));
        assertEquals("0x0", Hashes.toNumberText(new byte[32]));
        byte[] one = new byte[32];
        one[0] = 1;
        assertEquals("0x1", Hashes.toNumberText(one));
    }

    @Test
    void subjectsAreRandomUuids() {
        Random random = new Random(1);
        for (int i = 0; i < 100; i++) {
            UUID uuid = UUID.fromString(IdentityDerivation.newSubject(random));
            assertEquals(4, uuid.version());
            assertEquals(2, uuid.variant());
        }
        Identity database = IdentityDerivation.newDatabase(random);
        assertTrue(database.toHex().startsWith("c200"));
        assertNotEquals(database, IdentityDerivation.newDatabase(random));
    }
}
