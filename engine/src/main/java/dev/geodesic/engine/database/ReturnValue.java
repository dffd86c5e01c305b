package dev.geodesic.engine.database;

import dev.geodesic.protocol.message.EncodedValue;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.SatsJson;

/** What a procedure returned, for one client. */
record ReturnValue(AlgebraicType type, byte[] bsatn) implements EncodedValue {

    @Override
    public String json() {
        return SatsJson.toString(type, bsatn, SatsJson.Flavor.TYPED);
    }
}
