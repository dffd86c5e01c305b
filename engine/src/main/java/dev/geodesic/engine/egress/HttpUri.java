package dev.geodesic.engine.egress;

import java.net.IDN;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where a request goes. Lenient about characters of path and query, which are escaped, and strict about the authority.
 *
 * @param secure {@code https}
 * @param host lower-case name, or address literal without brackets
 * @param userInfo undecoded
 * @param path begins with a slash; without dot segments
 * @param query with its question mark, or empty
 */
record HttpUri(boolean secure, String host, int port, Optional<String> userInfo, String path, String query) {

    private static final int LENGTH_MAX = 16 << 10;
    private static final int PORT_MAX = 65_535;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?");
    private static final Pattern V6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
    private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:.*", Pattern.DOTALL);

    /** @throws IllegalArgumentException says what is wrong, without quoting */
    static HttpUri parse(String text) {
        if (text.length() > LENGTH_MAX) {
            throw new IllegalArgumentException("the URI is longer than " + LENGTH_MAX + " characters");
        }
        int colon = text.indexOf("://");
        String scheme = colon < 0 ? "" : text.substring(0, colon).toLowerCase(Locale.ROOT);
        if (!scheme.equals("http") && !scheme.equals("https")) {
            throw new IllegalArgumentException("the URI does not begin with http:// or https://");
        }
        int begin = colon + 3;
        int end = begin;
        while (end < text.length() && "/?#".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        String authority = text.substring(begin, end);
        if (authority.indexOf('\\') >= 0) {
            // Others take it for a slash, and then what follows is no user but a path.
            throw new IllegalArgumentException("the URI's host is invalid");
        }
        int at = authority.lastIndexOf('@');
        Optional<String> userInfo = at < 0 ? Optional.empty() : Optional.of(authority.substring(0, at));
        String rest = authority.substring(at + 1);
        String host;
        String portText;
        if (rest.startsWith("[")) {
            int close = rest.indexOf(']');
            host = close < 0 ? "" : rest.substring(1, close);
            portText = rest.substring(close + 1);
            if (!V6.matcher(host).matches()) {
                throw new IllegalArgumentException("the URI's host is invalid");
            }
        } else {
            int mark = rest.indexOf(':');
            host = mark < 0 ? rest : rest.substring(0, mark);
            portText = mark < 0 ? "" : rest.substring(mark);
            host = ascii(host);
        }
        boolean secure = scheme.equals("https");
        return new HttpUri(secure, host.toLowerCase(Locale.ROOT), port(portText, secure), userInfo, "/", "")
                .withTarget(text.substring(end));
    }

    private static String ascii(String host) {
        String ascii = host.chars().allMatch(c -> c < 0x80) ? host : IDN.toASCII(host);
        if (!NAME.matcher(ascii).matches()) {
            throw new IllegalArgumentException("the URI's host is invalid");
        }
        return ascii;
    }

    private static int port(String text, boolean secure) {
        if (text.isEmpty() || text.equals(":")) {
            return secure ? 443 : 80;
        }
        if (text.startsWith(":") && text.length() <= 6 && text.chars().skip(1).allMatch(c -> c >= '0' && c <= '9')) {
            int port = Integer.parseInt(text, 1, text.length(), 10);
            if (port >= 1 && port <= PORT_MAX) {
                return port;
            }
        }
        throw new IllegalArgumentException("the URI's port is invalid");
    }

    private HttpUri withTarget(String target) {
        int hash = target.indexOf('#');
        String clean = escape(hash < 0 ? target : target.substring(0, hash));
        int mark = clean.indexOf('?');
        String newPath = mark < 0 ? clean : clean.substring(0, mark);
        return new HttpUri(secure, host, port, userInfo, withoutDots(newPath), mark < 0 ? "" : clean.substring(mark));
    }

    /**
     * What a redirect leads to.
     *
     * @throws IllegalArgumentException as {@link #parse}
     */
    HttpUri resolve(String location) {
        if (SCHEME.matcher(location).matches()) {
            return parse(location);
        }
        if (location.length() > LENGTH_MAX) {
            throw new IllegalArgumentException("the URI is longer than " + LENGTH_MAX + " characters");
        }
        if (location.startsWith("//")) {
            return parse((secure ? "https:" : "http:") + location);
        }
        HttpUri base = new HttpUri(secure, host, port, Optional.empty(), path, "");
        if (location.startsWith("/")) {
            return base.withTarget(location);
        }
        if (location.startsWith("?")) {
            return base.withTarget(path + location);
        }
        if (location.isEmpty() || location.startsWith("#")) {
            return base.withTarget(path + query);
        }
        return base.withTarget(path.substring(0, path.lastIndexOf('/') + 1) + location);
    }

    private static String escape(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            if (b <= ' ' || b == 0x7f || b == '"' || b == '<' || b == '>') { // bytes from 0x80 are negative
                out.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
            } else {
                out.append((char) b);
            }
        }
        return out.toString();
    }

    /** Undoes percent-encoding, byte by byte; what is no escape stays. */
    static String unescape(String text) {
        byte[] in = text.getBytes(StandardCharsets.UTF_8);
        StringBuilder out = new StringBuilder(in.length);
        for (int i = 0; i < in.length; i++) {
            if (in[i] == '%' && i + 2 < in.length && HexFormat.isHexDigit(in[i + 1]) && HexFormat.isHexDigit(in[i + 2])) {
                out.append((char) (HexFormat.fromHexDigit(in[i + 1]) << 4 | HexFormat.fromHexDigit(in[i + 2])));
                i += 2;
            } else {
                out.append((char) (in[i] & 0xff));
            }
        }
        return out.toString();
    }

    private static String withoutDots(String path) {
        Deque<String> kept = new ArrayDeque<>();
        String[] segments = path.split("/", -1);
        for (int i = 1; i < segments.length; i++) {
            boolean last = i == segments.length - 1;
            switch (segments[i]) {
                case "." -> {
                    if (last) {
                        kept.addLast("");
                    }
                }
                case ".." -> {
                    kept.pollLast();
                    if (last) {
                        kept.addLast("");
                    }
                }
                default -> kept.addLast(segments[i]);
            }
        }
        return "/" + String.join("/", kept);
    }

    boolean sameServer(HttpUri other) {
        return secure == other.secure && port == other.port && host.equals(other.host);
    }

    /** Whether the host is an address, of which TLS may not send the name. */
    boolean isLiteral() {
        return host.indexOf(':') >= 0 || host.chars().allMatch(c -> c == '.' || c >= '0' && c <= '9');
    }

    /** Value of the header Host. */
    String authority() {
        String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return port == (secure ? 443 : 80) ? name : name + ":" + port;
    }

    /** For messages: without user and query. */
    String shown() {
        return (secure ? "https://" : "http://") + authority() + path;
    }
}
