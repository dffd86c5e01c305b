package dev.geodesic.protocol;

import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.ConnectionId;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The query parameters of a request to subscribe (spec/websocket.md 1.2). Unknown ones are ignored.
 *
 * @param token credentials, if they are not in a header
 * @param compression what the client can decode
 * @param connectionId wanted by the client; never {@link ConnectionId#NONE}
 * @param light v1 only: no reducer call in updates of others
 * @param confirmed results wait until they are durable; see {@link #isConfirmed}
 * @param sessionId held by one live connection of an identity at a time (spec/websocket.md 11)
 */
public record ConnectParams(
        Optional<String> token,
        Compression compression,
        Optional<ConnectionId> connectionId,
        boolean light,
        Optional<Boolean> confirmed,
        Optional<String> sessionId) {

    public static final ConnectParams DEFAULTS =
            new ConnectParams(
                    Optional.empty(), Compression.BROTLI, Optional.empty(), false, Optional.empty(), Optional.empty());

    public boolean isConfirmed(Subprotocol subprotocol) {
        return confirmed.orElse(subprotocol.confirmedByDefault());
    }

    /** A value that does not fit. The message is the body of a 400 answer. */
    public static final class InvalidException extends Exception {

        private static final long serialVersionUID = 1L;

        InvalidException(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * @param query the raw query string without {@code ?}; may be empty
     * @throws InvalidException with the text of a 400 answer
     */
    public static ConnectParams parse(String query) throws InvalidException {
        Optional<String> token = Optional.empty();
        Compression compression = DEFAULTS.compression;
        Optional<ConnectionId> connectionId = Optional.empty();
        boolean light = false;
        Optional<Boolean> confirmed = Optional.empty();
        Optional<String> sessionId = Optional.empty();
        Set<String> seen = new HashSet<>();
        for (String pair : query.split("&")) {
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
            boolean known = true;
            switch (name) {
                case "token" -> token = Optional.of(value);
                case "compression" -> compression = Compression.ofParameter(value)
                        .orElseThrow(() -> undecodable("unknown variant `" + value
                                + "`, expected one of `None`, `Brotli`, `Gzip`"));
                case "connection_id" -> connectionId = Optional.of(parseConnectionId(value));
                case "light" -> light = parseBoolean(value);
                case "confirmed" -> confirmed = Optional.of(parseBoolean(value));
                case "session_id" -> sessionId = Optional.of(parseSessionId(value));
                default -> known = false;
            }
            if (known && !seen.add(name)) {
                throw undecodable("duplicate field `" + name + "`");
            }
        }
        return new ConnectParams(token, compression, connectionId, light, confirmed, sessionId);
    }

    private static ConnectionId parseConnectionId(String text) throws InvalidException {
        ConnectionId id;
        try {
            // Without the prefix that other places accept.
            id = ConnectionId.fromHex(text.startsWith("0x") ? "" : text);
        } catch (IllegalArgumentException e) {
            throw undecodable("invalid connection id, expected 32 hex digits");
        }
        if (id.isNone()) {
            throw new InvalidException("Invalid connection ID: the all-zeros ConnectionId is reserved.");
        }
        return id;
    }

    /** Any text: what is in it is the client's own affair. */
    private static String parseSessionId(String text) throws InvalidException {
        if (text.isEmpty() || text.length() > ProtocolLimits.SESSION_ID_LENGTH_MAX) {
            throw undecodable("invalid session id, expected 1 to " + ProtocolLimits.SESSION_ID_LENGTH_MAX + " characters");
        }
        return text;
    }

    private static boolean parseBoolean(String text) throws InvalidException {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw undecodable("provided string was not `true` or `false`");
        };
    }

    private static String decode(String text) throws InvalidException {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw undecodable("malformed percent encoding");
        }
    }

    private static InvalidException undecodable(String cause) {
        return new InvalidException("Failed to deserialize query string: " + cause);
    }
}
