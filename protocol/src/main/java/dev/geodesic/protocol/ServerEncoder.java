package dev.geodesic.protocol;

import dev.geodesic.protocol.message.Form;
import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.ProtocolLimits;
import dev.geodesic.protocol.message.QueryOutcome;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.ServerMessage.InitialConnection;
import dev.geodesic.protocol.message.ServerMessage.OneOffResult;
import dev.geodesic.protocol.message.ServerMessage.ProcedureResult;
import dev.geodesic.protocol.message.ServerMessage.ReducerResult;
import dev.geodesic.protocol.message.ServerMessage.SetOutcome;
import dev.geodesic.protocol.message.ServerMessage.Shared;
import dev.geodesic.protocol.message.ServerMessage.SubscribeApplied;
import dev.geodesic.protocol.message.ServerMessage.SubscribeBatchApplied;
import dev.geodesic.protocol.message.ServerMessage.SubscriptionError;
import dev.geodesic.protocol.message.ServerMessage.TransactionUpdate;
import dev.geodesic.protocol.message.ServerMessage.UnsubscribeApplied;
import dev.geodesic.protocol.message.TableUpdate;
import dev.geodesic.protocol.v1.V1JsonServerCodec;
import dev.geodesic.protocol.v1.V1ServerCodec;
import dev.geodesic.protocol.v2.V2ServerCodec;
import dev.geodesic.protocol.wire.Compression;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.JsonWriter;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Turns answers into the WebSocket messages of one connection. What other connections encoded before is reused:
 * {@link Fragment}s inside an envelope, {@link Shared} messages as a whole. Immutable and thread-safe, so connections with
 * equal settings may use one encoder.
 *
 * <p>Binary payload: {@code compression tag u8 | BSATN of one message, in v3 of one or more}. A payload is compressed if it
 * is larger than {@link ProtocolLimits#COMPRESSION_THRESHOLD_BYTES} and becomes smaller by it. Note that TypeScript clients,
 * which ask for Gzip, may handle a small plain message before a large compressed one that was sent earlier
 * (spec/client-expectations.md 4.4): a server that wants to be safe gives them {@link Compression#NONE}.
 */
public final class ServerEncoder {

    private static final int ENVELOPE_BYTES = 128;

    private static final Function<ServerMessage, byte[]> V1_PAYLOAD = m -> payload(Subprotocol.V1_BSATN, m);
    private static final Function<ServerMessage, byte[]> V2_PAYLOAD = m -> payload(Subprotocol.V2, m);
    private static final Function<ServerMessage, byte[]> JSON_TEXT = ServerEncoder::json;

    private final Subprotocol subprotocol;
    private final Compression outer;
    private final Compression inner;

    /** @param compression what the client can decode; ignored for text, and if this machine cannot do it */
    public ServerEncoder(Subprotocol subprotocol, Compression compression) {
        this(subprotocol, compression, false);
    }

    /**
     * @param compressFragments v1.bsatn only: compress the row changes of transactions one by one instead of the message
     *     around them, so that sessions share the work
     */
    public ServerEncoder(Subprotocol subprotocol, Compression compression, boolean compressFragments) {
        this.subprotocol = subprotocol;
        this.outer = subprotocol.isText() || !compression.isAvailable() ? Compression.NONE : compression;
        this.inner = compressFragments && subprotocol == Subprotocol.V1_BSATN ? outer : Compression.NONE;
    }

    public Subprotocol subprotocol() {
        return subprotocol;
    }

    /** One message in a frame of its own. */
    public Frame encode(ServerMessage message) {
        if (subprotocol.isText()) {
            return Frame.text(message instanceof Shared shared ? shared.bytes(Form.V1_JSON, JSON_TEXT) : json(message));
        }
        if (message instanceof Shared shared) {
            return Frame.binary(sharedPayload(shared));
        }
        BsatnWriter out = new BsatnWriter(capacity(message));
        out.writeU8(Compression.NONE.tag());
        append(out, message);
        boolean compressedInside = inner != Compression.NONE
                && (message instanceof TransactionUpdate || message instanceof ReducerResult);
        return compressedInside ? new Frame(false, out.buffer(), out.length()) : finish(out.buffer(), out.length());
    }

    /**
     * All messages, in order. v3 puts as many into a frame as fit into {@link ProtocolLimits#BATCH_BYTES_MAX}; the others
     * give each message its own.
     */
    public void encodeAll(List<? extends ServerMessage> messages, Consumer<? super Frame> sink) {
        if (subprotocol != Subprotocol.V3 || messages.size() == 1) {
            messages.forEach(message -> sink.accept(encode(message)));
            return;
        }
        BsatnWriter out = null;
        for (ServerMessage message : messages) {
            int expected = capacity(message);
            if (out != null && out.length() + expected > ProtocolLimits.BATCH_BYTES_MAX) {
                sink.accept(finish(out.buffer(), out.length()));
                out = null;
            }
            if (expected > ProtocolLimits.BATCH_BYTES_MAX) {
                sink.accept(encode(message));
                continue;
            }
            if (out == null) {
                // The frame takes the buffer along, so each gets its own.
                out = batch((int) Math.min(ProtocolLimits.BATCH_BYTES_MAX, (long) expected * messages.size()));
            }
            int before = out.length();
            append(out, message);
            if (out.length() > ProtocolLimits.BATCH_BYTES_MAX && before > 1) {
                // Longer than expected: it begins the next frame instead.
                BsatnWriter next = batch(1 + out.length() - before);
                next.writeRaw(out.buffer(), before, out.length() - before);
                sink.accept(finish(out.buffer(), before));
                out = next;
            }
        }
        if (out != null) {
            sink.accept(finish(out.buffer(), out.length()));
        }
    }

    private static BsatnWriter batch(int capacity) {
        BsatnWriter out = new BsatnWriter(capacity);
        out.writeU8(Compression.NONE.tag());
        return out;
    }

    private void append(BsatnWriter out, ServerMessage message) {
        if (message instanceof Shared shared) {
            byte[] payload = plainPayload(shared);
            out.writeRaw(payload, 1, payload.length - 1);
        } else if (subprotocol.isV1()) {
            V1ServerCodec.write(out, message, inner);
        } else {
            V2ServerCodec.write(out, message);
        }
    }

    /** The frame of a plain payload, compressed if that is due. */
    private Frame finish(byte[] plain, int length) {
        byte[] compressed = compressed(plain, length);
        return compressed == plain ? new Frame(false, plain, length) : Frame.binary(compressed);
    }

    /** The same array if the payload is too small or does not become smaller. */
    private byte[] compressed(byte[] plain, int length) {
        if (outer == Compression.NONE || length - 1 <= ProtocolLimits.COMPRESSION_THRESHOLD_BYTES) {
            return plain;
        }
        byte[] compressed = outer.compress(plain, 1, length - 1, 1);
        if (compressed.length >= length) {
            return plain;
        }
        compressed[0] = (byte) outer.tag();
        return compressed;
    }

    private byte[] plainPayload(Shared shared) {
        return subprotocol.isV1() ? shared.bytes(Form.V1_BSATN, V1_PAYLOAD) : shared.bytes(Form.V2, V2_PAYLOAD);
    }

    private byte[] sharedPayload(Shared shared) {
        byte[] plain = plainPayload(shared);
        Form form = switch (outer) {
            case NONE -> subprotocol.isV1() ? Form.V1_BSATN : Form.V2;
            case BROTLI -> subprotocol.isV1() ? Form.V1_BSATN_BROTLI : Form.V2_BROTLI;
            case GZIP -> subprotocol.isV1() ? Form.V1_BSATN_GZIP : Form.V2_GZIP;
        };
        return shared.bytes(form, message -> compressed(plain, plain.length));
    }

    /** Tag 0 and one message, in an array of the right length. */
    private static byte[] payload(Subprotocol subprotocol, ServerMessage message) {
        BsatnWriter out = new BsatnWriter(capacity(message));
        out.writeU8(Compression.NONE.tag());
        if (subprotocol.isV1()) {
            V1ServerCodec.write(out, message, Compression.NONE);
        } else {
            V2ServerCodec.write(out, message);
        }
        return out.length() == out.buffer().length ? out.buffer() : out.toByteArray();
    }

    private static byte[] json(ServerMessage message) {
        JsonWriter out = new JsonWriter(512, ProtocolLimits.JSON_BYTES_MAX);
        V1JsonServerCodec.write(out, message);
        return out.toByteArray();
    }

    private static int capacity(ServerMessage message) {
        return (int) Math.min(expectedBytes(message), Integer.MAX_VALUE - 16);
    }

    /**
     * About the length of the plain binary payload, at the cost of a walk over the fragments: for buffers that need not grow
     * and for outboxes that count bytes. Rows count in full; values of calls do not.
     */
    public static long expectedBytes(ServerMessage message) {
        return ENVELOPE_BYTES + switch (message) {
            case InitialConnection m -> m.token().length();
            case SubscribeApplied m -> tableBytes(m.tables());
            case SubscribeBatchApplied m -> batchBytes(m.results());
            case UnsubscribeApplied m -> m.tables().map(ServerEncoder::tableBytes).orElse(0L);
            case SubscriptionError m -> m.error().length();
            case TransactionUpdate m -> querySetBytes(m.querySets());
            case ReducerResult m -> switch (m.outcome()) {
                case ReducerOutcome.Committed committed ->
                    committed.returnValue().length + querySetBytes(committed.querySets());
                case ReducerOutcome.Failed failed -> failed.error().length();
                case ReducerOutcome.InternalError error -> error.error().length();
                case ReducerOutcome.OutOfEnergy o -> 0L;
            };
            case ProcedureResult m -> 0L;
            case OneOffResult m -> m.outcome() instanceof QueryOutcome.Rows rows
                    ? rows.rows().inserts().encodedLength()
                    : 0L;
            case Shared m -> expectedBytes(m.message());
        };
    }

    private static long batchBytes(List<SetOutcome> results) {
        long bytes = 0;
        for (SetOutcome result : results) {
            bytes += 16 + switch (result) {
                case SetOutcome.Applied applied -> tableBytes(applied.tables());
                case SetOutcome.Failed failed -> failed.error().length();
            };
        }
        return bytes;
    }

    private static long querySetBytes(List<QuerySetUpdate> querySets) {
        long bytes = 0;
        for (QuerySetUpdate set : querySets) {
            bytes += 8 + tableBytes(set.tables());
        }
        return bytes;
    }

    private static long tableBytes(List<TableUpdate> tables) {
        long bytes = 0;
        for (TableUpdate table : tables) {
            bytes += 24 + table.tableName().length();
            for (Fragment fragment : table.fragments()) {
                bytes += 1 + fragment.inserts().encodedLength() + fragment.deletes().encodedLength();
            }
        }
        return bytes;
    }
}
