package dev.geodesic.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ClientMessage.CallProcedure;
import dev.geodesic.protocol.message.ClientMessage.CallReducer;
import dev.geodesic.protocol.message.ClientMessage.OneOffQuery;
import dev.geodesic.protocol.message.ClientMessage.Subscribe;
import dev.geodesic.protocol.message.ClientMessage.Unsubscribe;
import dev.geodesic.protocol.message.CloseReason;
import dev.geodesic.protocol.message.ProtocolException;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.message.SubscriptionKind;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.testkit.Proves;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClientDecoderTest {

    private static ClientMessage v1(String hex) {
        return binary(Subprotocol.V1_BSATN, hex).getFirst();
    }

    private static ClientMessage v2(String hex) {
        return binary(Subprotocol.V2, hex).getFirst();
    }

    private static List<ClientMessage> binary(Subprotocol subprotocol, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        return new ClientDecoder(subprotocol).decodeBinary(bytes, 0, bytes.length);
    }

    private static ClientMessage json(String text) {
        return new ClientDecoder(Subprotocol.V1_JSON).decodeText(text.replace('\'', '"')).getFirst();
    }

    private static void assertCall(String name, String arguments, int requestId, CallReducer call) {
        assertEquals(name, call.reducer());
        assertArrayEquals(HexFormat.of().parseHex(arguments), assertInstanceOf(Arguments.Bsatn.class, call.arguments()).bytes());
        assertEquals(requestId, call.requestId());
    }

    @Test
    @Proves("websocket.md 5.1")
    void readsTheFieldsOfV1() {
        CallReducer call = (CallReducer) v1("00 01000000 61 02000000 beef 07000000 00");
        assertCall("a", "beef", 7, call);
        assertEquals(true, call.notifySuccess());
        assertEquals(false, ((CallReducer) v1("00 01000000 61 00000000 07000000 01")).notifySuccess());
        assertEquals(new Subscribe(SubscriptionKind.LEGACY, 5, 0, List.of("x", "yz")),
                v1("01 02000000 01000000 78 02000000 797a 05000000"));
        OneOffQuery query = (OneOffQuery) v1("02 02000000 0102 01000000 71");
        assertArrayEquals(new byte[] {1, 2}, query.messageId());
        assertEquals("q", query.query());
        assertEquals(new Subscribe(SubscriptionKind.SINGLE, 5, 6, List.of("q")), v1("03 01000000 71 05000000 06000000"));
        assertEquals(new Subscribe(SubscriptionKind.MULTI, 5, 6, List.of("q")), v1("04 01000000 01000000 71 05000000 06000000"));
        assertEquals(new Unsubscribe(SubscriptionKind.SINGLE, 5, 6, true), v1("05 05000000 06000000"));
        assertEquals(new Unsubscribe(SubscriptionKind.MULTI, 5, 6, true), v1("06 05000000 06000000"));
        CallProcedure procedure = (CallProcedure) v1("07 01000000 70 01000000 ff 08000000 00");
        assertEquals("p", procedure.procedure());
        assertEquals(8, procedure.requestId());
    }

    @Test
    @Proves("websocket.md 6.1")
    void readsTheFieldsOfV2() {
        assertEquals(new Subscribe(SubscriptionKind.SET, 5, 6, List.of("q")), v2("00 05000000 06000000 01000000 01000000 71"));
        assertEquals(new Unsubscribe(SubscriptionKind.SET, 5, 6, false), v2("01 05000000 06000000 00"));
        assertEquals(new Unsubscribe(SubscriptionKind.SET, 5, 6, true), v2("01 05000000 06000000 01"));
        OneOffQuery query = (OneOffQuery) v2("02 05000000 01000000 71");
        assertEquals(5, query.requestId());
        assertEquals("q", query.query());
        assertCall("a", "beef", 7, (CallReducer) v2("03 07000000 00 01000000 61 02000000 beef"));
        assertEquals(8, ((CallProcedure) v2("04 08000000 00 01000000 70 01000000 ff")).requestId());
    }

    @Test
    @Proves("websocket.md 11")
    void readsBatches() {
        assertEquals(
                new ClientMessage.SubscribeBatch(7, List.of(
                        new ClientMessage.QuerySet(1, List.of("x", "yz")), new ClientMessage.QuerySet(2, List.of()))),
                v2("05 07000000 02000000 01000000 02000000 01000000 78 02000000 797a 02000000 00000000"));
        String queries = "01000000 10270000" + "00000000".repeat(10_000);
        assertEquals(10_000, ((ClientMessage.SubscribeBatch) v2("05 07000000 01000000" + queries)).sets().getFirst()
                .queries().size());
        assertEquals("more than 10000 queries in one message", assertThrows(ProtocolException.class,
                () -> v2("05 07000000 02000000" + queries + "02000000 01000000 00000000")).getMessage());
    }

    @Test
    void readsTheFieldsOfJsonInAnyOrder() {
        assertEquals(new CallReducer("a", new Arguments.Json("[1]"), -1, false),
                json(" { 'CallReducer' : { 'flags' : 1, 'request_id':4294967295,'args':'[1]' , 'reducer':'a'} }\n"));
        assertEquals(new CallProcedure("p", new Arguments.Json("{}"), 2),
                json("{'CallProcedure':{'procedure':'p','args':'{}','request_id':2,'flags':0}}"));
        assertEquals(new Subscribe(SubscriptionKind.LEGACY, 5, 0, List.of()),
                json("{'Subscribe':{'query_strings':[],'request_id':5}}"));
        assertEquals(new Subscribe(SubscriptionKind.SINGLE, 5, 6, List.of("q")),
                json("{'SubscribeSingle':{'query':'q','request_id':5,'query_id':{'id':6}}}"));
        assertEquals(new Subscribe(SubscriptionKind.MULTI, 5, 6, List.of("q", "ü\"\n\ud83d\ude00")),
                json("{'SubscribeMulti':{'query_strings':['q','\\u00fc\\\"\\n\\ud83d\\ude00'],"
                        + "'request_id':5,'query_id':{'id':6}}}"));
        assertEquals(new Unsubscribe(SubscriptionKind.SINGLE, 5, 6, true),
                json("{'Unsubscribe':{'request_id':5,'query_id':{'id':6}}}"));
        assertEquals(new Unsubscribe(SubscriptionKind.MULTI, 5, 6, true),
                json("{'UnsubscribeMulti':{'request_id':5,'query_id':{'id':6}}}"));
        assertArrayEquals(new byte[] {1, (byte) 255}, ((OneOffQuery) json(
                "{'OneOffQuery':{'message_id':[1, 255],'query_string':'q'}}")).messageId());
        assertArrayEquals(new byte[] {1, (byte) 255}, ((OneOffQuery) json(
                "{'OneOffQuery':{'message_id':'01fF','query_string':'q'}}")).messageId());
    }

    @Test
    @Proves("websocket.md 2")
    void v1TakesTextAndBinaryWhateverWasNegotiated() {
        String text = "{\"Unsubscribe\":{\"request_id\":5,\"query_id\":{\"id\":6}}}";
        assertEquals(v1("05 05000000 06000000"), new ClientDecoder(Subprotocol.V1_BSATN).decodeText(text).getFirst());
        assertEquals(v1("05 05000000 06000000"), binary(Subprotocol.V1_JSON, "05 05000000 06000000").getFirst());
    }

    @Test
    @Proves("websocket.md 7")
    void v3ReadsAllMessagesOfAPayload() {
        List<ClientMessage> messages = binary(Subprotocol.V3, "01 05000000 06000000 00  01 07000000 08000000 01");
        assertEquals(
                List.of(new Unsubscribe(SubscriptionKind.SET, 5, 6, false), new Unsubscribe(SubscriptionKind.SET, 7, 8, true)),
                messages);
    }

    @Test
    void v3BoundsTheMessagesOfAPayload() {
        BsatnWriter payload = new BsatnWriter();
        byte[] one = HexFormat.of().parseHex("01050000000600000000");
        for (int i = 0; i < ProtocolLimits.MESSAGES_PER_PAYLOAD_MAX; i++) {
            payload.writeRaw(one);
        }
        ClientDecoder decoder = new ClientDecoder(Subprotocol.V3);
        assertEquals(
                ProtocolLimits.MESSAGES_PER_PAYLOAD_MAX, decoder.decodeBinary(payload.buffer(), 0, payload.length()).size());
        payload.writeRaw(one);
        ProtocolException e =
                assertThrows(ProtocolException.class, () -> decoder.decodeBinary(payload.buffer(), 0, payload.length()));
        assertEquals(CloseReason.TOO_MANY_REQUESTS, e.closeReason());
    }

    @Test
    void boundsTheQueriesOfAMessage() {
        BsatnWriter payload = new BsatnWriter();
        payload.writeU8(0);
        payload.writeU32(1);
        payload.writeU32(1);
        payload.writeU32(ProtocolLimits.QUERIES_PER_MESSAGE_MAX + 1);
        for (int i = 0; i <= ProtocolLimits.QUERIES_PER_MESSAGE_MAX; i++) {
            payload.writeU32(0);
        }
        ClientDecoder v2 = new ClientDecoder(Subprotocol.V2);
        assertThrows(ProtocolException.class, () -> v2.decodeBinary(payload.buffer(), 0, payload.length()));
        String queries = "\"\",".repeat(ProtocolLimits.QUERIES_PER_MESSAGE_MAX) + "\"\"";
        ClientDecoder json = new ClientDecoder(Subprotocol.V1_JSON);
        assertThrows(ProtocolException.class,
                () -> json.decodeText("{\"Subscribe\":{\"query_strings\":[" + queries + "],\"request_id\":1}}"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            V1_BSATN | 63                         | unknown tag 0x63 for sum type ClientMessage
            V1_BSATN | ''                         | data too short for u8: Expected 1, given 0
            V1_BSATN | 000000000000000000 07000000 02 | invalid call reducer flag 2
            V1_BSATN | 070000000000000000 07000000 01 | invalid call procedure flag 1
            V2       | 06                         | unknown tag 0x6 for sum type ClientMessage
            V2       | 0307000000010000000000000000 | invalid call reducer flag 1
            V2       | 0407000000010000000000000000 | invalid call procedure flag 1
            V2       | 01050000000600000002       | unknown tag 0x2 for sum type UnsubscribeFlags
            V2       | 020500000001000000ff       | invalid utf8
            V3       | ''                         | v3 websocket binary payload must contain at least one v2 client message
            V3       | 0105000000060000000063     | unknown tag 0x63 for sum type ClientMessage
            """)
    void refusesBadBytes(Subprotocol subprotocol, String hex, String reason) {
        ProtocolException e = assertThrows(ProtocolException.class, () -> binary(subprotocol, hex));
        assertEquals(new CloseReason(1011, reason), e.closeReason());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "000000000000ffffffff", "0000000000 ffffff7f", "01ffffffff", "01ffffff7f", "0400000040", "02 ffffffff", "03 ffffff7f"
    })
    void refusesHugeCountsBeforeAllocating(String hex) {
        assertThrows(ProtocolException.class, () -> v1(hex));
        assertThrows(ProtocolException.class, () -> v2("00 05000000 06000000 ffffff7f 00000000"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            hello | expected value at line 1 column 1
            `` | EOF while parsing a value at line 1 column 0
            {} | expected a variant name at line 1 column 2
            [] | invalid type, expected an object with one member at line 1 column 1
            {'Unsubscribe':{}} | missing field `request_id` at line 1 column 17
            {'Unsubscribe':{'x':1}} | unknown field `x`, expected `request_id`, `query_id` at line 1 column 19
            {'Unsubscribe':{'request_id':1,'request_id':1}} | duplicate field `request_id` at line 1 column 43
            {'Unsubscribe':{'request_id':1,}} | trailing comma at line 1 column 32
            {'Unsubscribe':{'request_id':1 'query_id':{}}} | expected `,` or `}` at line 1 column 32
            {'Unsubscribe':{'request_id':4294967296}} | invalid value: integer `4294967296`, expected u32 at line 1 column 39
            {'Unsubscribe':{'request_id':-1}} | invalid value: integer `-1`, expected u32 at line 1 column 31
            {'Unsubscribe':{'request_id':1.0}} | invalid type: floating point, expected u32 at line 1 column 30
            {'Unsubscribe':{'request_id':01}} | invalid number at line 1 column 31
            {'Unsubscribe':{'request_id':'1'}} | invalid type, expected u32 at line 1 column 30
            {'Unsubscribe':{'request_id':1,'query_id':6}} | invalid type, expected an object with one member at line 1 column 43
            {'Unsubscribe':{'request_id':1,'query_id':{'id':6,'x':1}}} | expected one member only at line 1 column 50
            {'Unsubscribe':{'request_id':1,'query_id':{'id':6}}}x | trailing characters at line 1 column 53
            {'Unsubscribe':{'request_id':1,'query_id':{'id':6}},'a':1} | expected one member only at line 1 column 52
            {'OneOffQuery':{'message_id':'0','query_string':''}} | invalid hex text at line 1 column 32
            {'OneOffQuery':{'message_id':[256],'query_string':''}} | invalid value: integer `256`, expected u8 at line 1 column 33
            {'OneOffQuery':{'message_id':'','query_string':'\\ud800'}} | lone surrogate in hex escape at line 1 column 54
            {'OneOffQuery':{'message_id':'','query_string':'\\x'}} | invalid escape at line 1 column 50
            {'OneOffQuery':{'message_id':'','query_string':' | EOF while parsing a string at line 1 column 48
            {'CallReducer':{'args':[]}} | invalid type, expected a string at line 1 column 24
            {'CallReducer':{'reducer':'a','args':'','request_id':1,'flags':2}} | invalid call reducer flag 2
            {'CallReducer':{'flags':256}} | invalid value: integer `256`, expected u8 at line 1 column 27
            """)
    void refusesBadJson(String text, String reason) {
        ProtocolException e = assertThrows(ProtocolException.class, () -> json(text));
        assertEquals(new CloseReason(1011, reason), e.closeReason());
    }

    @Test
    @Proves("websocket.md 2")
    void v2AndV3RefuseText() {
        assertEquals("v2 websocket does not support text messages", assertThrows(
                ProtocolException.class, () -> new ClientDecoder(Subprotocol.V2).decodeText("{}")).getMessage());
        assertEquals("v3 websocket does not support text messages", assertThrows(
                ProtocolException.class, () -> new ClientDecoder(Subprotocol.V3).decodeText("{}")).getMessage());
    }

    @Test
    void longReasonsAreShortenedToWhatACloseFrameCarries() {
        ProtocolException e = assertThrows(ProtocolException.class, () -> json("{'" + "ü".repeat(100_000) + "':{}}"));
        assertEquals(CloseReason.REASON_BYTES_MAX,
                e.closeReason().reason().getBytes(StandardCharsets.UTF_8).length);
    }
}
