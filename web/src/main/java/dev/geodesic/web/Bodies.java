package dev.geodesic.web;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Request bodies with their limits, whatever length a client announces (spec/http-api.md section 8). */
final class Bodies {

    /** Of every body but modules. */
    static final int BYTES_MAX = 2 << 20;

    private Bodies() {
    }

    /** Reads a body. A longer one is a 413, one that breaks off a 400. */
    static byte[] read(InputStream body, int bytesMax) {
        byte[] bytes = part(body, bytesMax + 1);
        if (bytes.length > bytesMax) {
            throw tooLong();
        }
        return bytes;
    }

    /** Reads so many bytes, fewer at the end. */
    static byte[] part(InputStream body, int bytes) {
        try {
            return body.readNBytes(bytes);
        } catch (IOException e) {
            // The client's doing, so nothing for the server's log.
            throw new RefusedException(400, "Failed to buffer the request body: " + e.getMessage());
        }
    }

    static RefusedException tooLong() {
        return new RefusedException(413, "Failed to buffer the request body: length limit exceeded");
    }

    /** Reads text of up to {@link #BYTES_MAX} bytes. Bytes that are no UTF-8 are a 400. */
    static String text(InputStream body) {
        return text(read(body, BYTES_MAX));
    }

    /** Bytes that are no UTF-8 are a 400. */
    static String text(byte[] body) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
        } catch (CharacterCodingException e) {
            throw new RefusedException(400, "Request body didn't contain valid UTF-8");
        }
    }

    /** Refuses bodies that do not say that they are JSON: 400 without a content type, 415 with another. */
    static void requireJson(String contentType) {
        if (contentType == null) {
            throw new RefusedException(400, "Header of type `content-type` was missing");
        }
        if (!contentType.equals(Answers.JSON)) {
            throw new RefusedException(415, "Expected request with `Content-Type: application/json`");
        }
    }
}
