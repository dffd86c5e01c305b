package dev.geodesic.web;

import dev.geodesic.engine.base.ErrorCode;

/** Which HTTP status an error of the engine gets where a route says nothing else (spec/http-api.md). */
public final class ErrorStatus {

    private ErrorStatus() {
    }

    public static int of(ErrorCode code) {
        return switch (code) {
            case NO_SUCH_DATABASE, NO_SUCH_REDUCER, NO_SUCH_PROCEDURE, NO_SUCH_ROUTE, NO_SUCH_BACKUP -> 404;
            case INVALID_TOKEN, NAME_TAKEN, NAME_RESERVED -> 401;
            case NOT_AUTHORIZED, REDUCER_FAILED -> 403;
            case INVALID_NAME, INVALID_ARGUMENTS, LIFECYCLE_REDUCER, SQL, UNIQUE_ALREADY_EXISTS, BSATN_DECODE_ERROR,
                    MIGRATION_REFUSED, LIMIT_EXCEEDED, ENVIRONMENT_MISSING,
                    INVALID_ENVIRONMENT, VIEW_FAILED, BACKUP_INVALID -> 400;
            case DATABASE_STOPPED, BUSY -> 503;
            case UNSUPPORTED_FEATURE -> 501;
            case DISK_FULL -> 507;
            case DATABASE_FAILED -> 500;
            default -> 500;
        };
    }
}
