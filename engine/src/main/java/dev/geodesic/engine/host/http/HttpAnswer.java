package dev.geodesic.engine.host.http;

/** What became of an outbound request. */
public sealed interface HttpAnswer {

    /** A response, whatever its status. */
    record Received(HttpResponse response, byte[] body) implements HttpAnswer {
    }

    /**
     * None.
     *
     * @param text for the module; without the query of the request
     */
    record Failed(String text) implements HttpAnswer {
    }
}
