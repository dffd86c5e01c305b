package dev.geodesic.engine.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.testkit.Proves;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Proves("module-def.md 4.2")
class CaseConversionTest {

    @ParameterizedTest
    @CsvSource({
        "player1, player_1, player1, Player1",
        "Player2D, player_2_d, player2D, Player2D",
        "playerID, player_id, playerId, PlayerId",
        "userIDs, user_i_ds, userIDs, UserIDs",
        "XMLHttpRequest, xml_http_request, xmlHttpRequest, XmlHttpRequest",
        "a1b2, a_1_b_2, a1B2, A1B2",
        "one_u8, one_u_8, oneU8, OneU8",
        "_foo, foo, foo, Foo",
        "foo_, foo, foo, Foo",
        "foo__bar, foo_bar, fooBar, FooBar",
        "foo-bar baz, foo_bar_baz, fooBarBaz, FooBarBaz",
        "insert_u8, insert_u_8, insertU8, InsertU8",
        "DarkBlue, dark_blue, darkBlue, DarkBlue",
        "size2d, size_2_d, size2D, Size2D",
        "ÄpfelÜber, äpfel_über, äpfelÜber, ÄpfelÜber",
        "𐐀𐐨𐐁, 𐐨𐐨_𐐩, 𐐨𐐨𐐁, 𐐀𐐨𐐁",
        "数字x, 数字x, 数字x, 数字x",
        "_, '', '', ''"
    })
    void convertsEveryForm(String source, String snake, String camel, String pascal) {
        assertEquals(snake, CaseConversion.SNAKE_CASE.snake(source));
        assertEquals(camel, CaseConversion.SNAKE_CASE.camel(source));
        assertEquals(pascal, CaseConversion.SNAKE_CASE.pascal(source));
    }

    @Test
    void withoutPolicyNamesStay() {
        assertEquals("userIDs_", CaseConversion.NONE.snake("userIDs_"));
        assertEquals("userIDs_", CaseConversion.NONE.camel("userIDs_"));
        assertEquals("userIDs_", CaseConversion.NONE.pascal("userIDs_"));
    }
}
