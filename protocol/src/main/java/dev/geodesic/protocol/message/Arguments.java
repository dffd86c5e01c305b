package dev.geodesic.protocol.message;

/** Arguments of a call as the client sent them: one BSATN product, or JSON text. */
public sealed interface Arguments {

    record Bsatn(byte[] bytes) implements Arguments {
    }

    /** A JSON array or object; not checked yet. */
    record Json(String text) implements Arguments {
    }
}
