package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.sats.Bsatn;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SatsJson;

/**
 * Arguments of a call, checked against the parameters: BSATN for the guest, and whichever form other clients ask for. The
 * form in which they came is given back as it came.
 */
final class CallArguments implements EncodedValue {

    private final ProductType params;
    private final byte[] bsatn;
    private String json;

    private CallArguments(ProductType params, byte[] bsatn, String json) {
        this.params = params;
        this.bsatn = bsatn;
        this.json = json;
    }

    /** Errors: INVALID_ARGUMENTS. */
    static CallArguments check(ReducerDef reducer, Arguments arguments) {
        try {
            return switch (arguments) {
                case Arguments.Bsatn sent -> {
                    Bsatn.check(reducer.params(), sent.bytes(), 0, sent.bytes().length);
                    yield new CallArguments(reducer.params(), sent.bytes(), null);
                }
                case Arguments.Json sent -> {
                    BsatnWriter out = new BsatnWriter();
                    SatsJson.read(reducer.params(), Json.parse(sent.text()), out);
                    yield new CallArguments(reducer.params(), out.toByteArray(), sent.text());
                }
            };
        } catch (BsatnException e) {
            throw new EngineException(
                    ErrorCode.INVALID_ARGUMENTS, "invalid arguments for reducer " + reducer.name() + ": " + e.getMessage());
        }
    }

    @Override
    public byte[] bsatn() {
        return bsatn;
    }

    @Override
    public synchronized String json() {
        if (json == null) {
            json = SatsJson.toString(params, bsatn, SatsJson.Flavor.TYPED);
        }
        return json;
    }
}
