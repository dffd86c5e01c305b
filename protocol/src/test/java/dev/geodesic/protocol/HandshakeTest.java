package dev.geodesic.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.testkit.Proves;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HandshakeTest {

    @Test
    @Proves("websocket.md 1.1")
    void theServersPreferenceWins() {
        assertEquals(Optional.of(Subprotocol.V3),
                Subprotocol.negotiate(List.of("v1.json.spacetimedb, v2.bsatn.spacetimedb ,v3.bsatn.spacetimedb")));
        assertEquals(Optional.of(Subprotocol.V1_BSATN),
                Subprotocol.negotiate(List.of("v1.json.spacetimedb", "graphql-ws, v1.bsatn.spacetimedb")));
        assertEquals(Optional.of(Subprotocol.V1_JSON), Subprotocol.negotiate(List.of("v1.json.spacetimedb")));
        assertEquals(Optional.empty(), Subprotocol.negotiate(List.of("v4.bsatn.spacetimedb", "", ",", "V2.BSATN.SPACETIMEDB")));
        assertEquals(Optional.empty(), Subprotocol.negotiate(List.of()));
    }

    @Test
    @Proves("websocket.md 1.2")
    void defaults() throws Exception {
        ConnectParams params = ConnectParams.parse("");
        assertEquals(ConnectParams.DEFAULTS, params);
        assertEquals(Compression.BROTLI, params.compression());
        assertEquals(false, params.isConfirmed(Subprotocol.V1_BSATN));
        assertEquals(false, params.isConfirmed(Subprotocol.V1_JSON));
        assertEquals(true, params.isConfirmed(Subprotocol.V2));
        assertEquals(true, params.isConfirmed(Subprotocol.V3));
    }

    @Test
    @Proves("websocket.md 1.2")
    void everyParameter() throws Exception {
        ConnectParams params = ConnectParams.parse("token=a.b%2Ec&compression=Gzip&unknown=1&unknown=2&flag"
                + "&connection_id=000102030405060708090a0b0c0d0e0F&light=true&confirmed=true&session_id=tab+1");
        assertEquals(new ConnectParams(
                        Optional.of("a.b.c"),
                        Compression.GZIP,
                        Optional.of(ConnectionId.fromHex("000102030405060708090a0b0c0d0e0f")),
                        true,
                        Optional.of(true),
                        Optional.of("tab 1")),
                params);
        assertEquals(true, params.isConfirmed(Subprotocol.V1_JSON));
        assertEquals(false, ConnectParams.parse("confirmed=false").isConfirmed(Subprotocol.V3));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            compression=gzip     | unknown variant `gzip`, expected one of `None`, `Brotli`, `Gzip`
            compression          | unknown variant ``, expected one of `None`, `Brotli`, `Gzip`
            light=1              | provided string was not `true` or `false`
            confirmed=True       | provided string was not `true` or `false`
            light=true&light=true | duplicate field `light`
            connection_id=0123   | invalid connection id, expected 32 hex digits
            connection_id=       | invalid connection id, expected 32 hex digits
            connection_id=0x000102030405060708090a0b0c0d0e | invalid connection id, expected 32 hex digits
            connection_id=g00102030405060708090a0b0c0d0e0f | invalid connection id, expected 32 hex digits
            session_id=          | invalid session id, expected 1 to 128 characters
            session_id=1&session_id=1 | duplicate field `session_id`
            token=%zz            | malformed percent encoding
            """)
    void refusesValuesThatDoNotFit(String query, String cause) {
        assertEquals("Failed to deserialize query string: " + cause,
                assertThrows(ConnectParams.InvalidException.class, () -> ConnectParams.parse(query)).getMessage());
    }

    @Test
    void theZeroConnectionIdIsReserved() {
        assertEquals("Invalid connection ID: the all-zeros ConnectionId is reserved.", assertThrows(
                ConnectParams.InvalidException.class, () -> ConnectParams.parse("connection_id=" + "0".repeat(32)))
                .getMessage());
    }
}
