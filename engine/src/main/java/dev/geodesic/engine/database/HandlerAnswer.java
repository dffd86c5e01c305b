package dev.geodesic.engine.database;

import java.util.List;

/**
 * What a module's HTTP handler answers with.
 *
 * @param status as the module gave it: any u16
 * @param headers as the module gave them
 */
public record HandlerAnswer(int status, List<Header> headers, byte[] body) {

    /** A header field; names may repeat, values are bytes of no known charset. */
    public record Header(String name, byte[] value) {
    }
}
