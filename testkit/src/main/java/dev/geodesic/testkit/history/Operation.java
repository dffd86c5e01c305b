package dev.geodesic.testkit.history;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a client asked for and learned.
 *
 * @param output empty if it never learned how that ended: it may have been done at any later time, or never
 * @param invoked time before the request was sent
 * @param responded time after the answer came; {@code Long.MAX_VALUE} if it never did
 * @param offset of the transaction that the answer named, where answers do
 */
public record Operation<I, O>(String client, I input, Optional<O> output, long invoked, long responded, OptionalLong offset) {

    public Operation(String client, I input, O output, long invoked, long responded) {
        this(client, input, Optional.of(output), invoked, responded, OptionalLong.empty());
    }

    public static <I, O> Operation<I, O> unknown(String client, I input, long invoked) {
        return new Operation<>(client, input, Optional.empty(), invoked, Long.MAX_VALUE, OptionalLong.empty());
    }

    /** The same, which an answer has named. */
    public Operation<I, O> at(long txOffset) {
        return new Operation<>(client, input, output, invoked, responded, OptionalLong.of(txOffset));
    }
}
