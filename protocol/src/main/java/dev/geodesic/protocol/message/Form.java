package dev.geodesic.protocol.message;

/** The wire forms whose encoded text or bytes a {@link Fragment} or shared message keeps. */
public enum Form {
    V1_JSON,
    V1_BSATN,
    V1_BSATN_BROTLI,
    V1_BSATN_GZIP,
    V2,
    V2_BROTLI,
    V2_GZIP;

    static final int COUNT = values().length;
}
