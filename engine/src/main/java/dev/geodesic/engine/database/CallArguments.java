package dev.geodesic.engine.database;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.ProcedureDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.protocol.message.ErrorTexts;
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

    /**
     * Errors: INVALID_ARGUMENTS.
     *
     * @param v1 whether the caller knows the error text of protocol version 1; JSON is never anything else
     */
    static CallArguments check(ReducerDef reducer, Arguments arguments, boolean v1) {
        try {
            return read(reducer.params(), arguments);
        } catch (BsatnException e) {
            boolean json = arguments instanceof Arguments.Json;
            String path = json && e.path().isEmpty() ? "." : e.path();
            throw new EngineException(ErrorCode.INVALID_ARGUMENTS, json || v1
                    ? ErrorTexts.invalidReducerArgumentsV1(reducer.name(), path, e.getMessage())
                    : ErrorTexts.invalidReducerArguments(reducer.name(), e.getMessage()));
        }
    }

    /** Errors: INVALID_ARGUMENTS. */
    static CallArguments check(ProcedureDef procedure, Arguments arguments) {
        try {
            return read(procedure.params(), arguments);
        } catch (BsatnException e) {
            String path = e.path().isEmpty() ? "." : e.path();
            throw new EngineException(ErrorCode.INVALID_ARGUMENTS, arguments instanceof Arguments.Json
                    ? ErrorTexts.invalidProcedureArguments(procedure.name(), path, e.getMessage())
                    : ErrorTexts.invalidProcedureArguments(procedure.name(), e.getMessage()));
        }
    }

    private static CallArguments read(ProductType params, Arguments arguments) {
        return switch (arguments) {
            case Arguments.Bsatn sent -> {
                Bsatn.check(params, sent.bytes(), 0, sent.bytes().length);
                yield new CallArguments(params, sent.bytes(), null);
            }
            case Arguments.Json sent -> {
                BsatnWriter out = new BsatnWriter();
                SatsJson.read(params, Json.parse(sent.text()), out);
                yield new CallArguments(params, out.toByteArray(), sent.text());
            }
        };
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
