package dev.geodesic.engine.base;

/**
 * Every error the engine reports. {@link #errno()} is the number that a guest sees (spec/module-abi.md section 4), or 0
 * for errors that no guest can meet.
 */
public enum ErrorCode {
    /** Host call failed; no better number exists. */
    HOST_CALL_FAILURE(1),
    /** A table function outside a transaction. */
    NOT_IN_TRANSACTION(2),
    /** Bytes are no value of the expected type. */
    BSATN_DECODE_ERROR(3),
    NO_SUCH_TABLE(4),
    NO_SUCH_INDEX(5),
    NO_SUCH_ITER(6),
    NO_SUCH_CONSOLE_TIMER(7),
    NO_SUCH_BYTES(8),
    NO_SPACE(9),
    /** A range scan on an index without order. */
    WRONG_INDEX_ALGO(10),
    BUFFER_TOO_SMALL(11),
    /** A unique constraint would be violated. */
    UNIQUE_ALREADY_EXISTS(12),
    SCHEDULE_AT_DELAY_TOO_LONG(13),
    INDEX_NOT_UNIQUE(14),
    NO_SUCH_ROW(15),
    AUTO_INC_OVERFLOW(16),
    WOULD_BLOCK_TRANSACTION(17),
    TRANSACTION_NOT_ANONYMOUS(18),
    TRANSACTION_IS_READ_ONLY(19),
    TRANSACTION_IS_MUT(20),
    HTTP_ERROR(21),

    /** The module is no WebAssembly, lacks an export, or imports what no host has. */
    INVALID_MODULE(0),
    /** Required variables have no value; the message is their names, separated by commas. */
    ENVIRONMENT_MISSING(0),
    /** A variable's name or value is not allowed. */
    INVALID_ENVIRONMENT(0),
    /** The module's definition fails validation (spec/module-def.md section 6). */
    INVALID_MODULE_DEF(0),
    /** The module declares a feature that this version does not have. */
    UNSUPPORTED_FEATURE(0),
    /** The update of a database by a new module is refused. */
    MIGRATION_REFUSED(0),
    /** The update of a database by a new module came to an end on its way; nothing has changed. */
    MIGRATION_FAILED(0),
    /** A guest trapped. */
    GUEST_TRAP(0),
    /** A guest ran longer than its deadline. */
    GUEST_TIMEOUT(0),
    /** What a view returned cannot become its rows. */
    VIEW_FAILED(0),
    NO_SUCH_REDUCER(0),
    NO_SUCH_PROCEDURE(0),
    /** No HTTP handler answers this method and path. */
    NO_SUCH_ROUTE(0),
    /** A procedure or HTTP handler trapped, or returned what it must not. */
    PROCEDURE_FAILED(0),
    /** A lifecycle reducer cannot be called directly. */
    LIFECYCLE_REDUCER(0),
    INVALID_ARGUMENTS(0),
    /** The init or client_connected reducer returned an error. */
    REDUCER_FAILED(0),
    NO_SUCH_DATABASE(0),
    INVALID_NAME(0),
    NAME_TAKEN(0),
    /** A name that resolves to nothing, but was registered by somebody else. */
    NAME_RESERVED(0),
    NOT_AUTHORIZED(0),
    INVALID_TOKEN(0),
    /** Too much of the same is under way; it may succeed later. */
    BUSY(0),
    /** SQL that does not parse, bind or run. */
    SQL(0),
    NO_SUCH_SUBSCRIPTION(0),
    SUBSCRIPTION_EXISTS(0),
    /** Another connection of the identity holds the session id. */
    SESSION_IN_USE(0),
    /** A limit of {@link Limits} was hit; the message names the limit and its setting. */
    LIMIT_EXCEEDED(0),
    /** The disk is too full to write more; it goes on when there is room. */
    DISK_FULL(0),
    /** The log cannot be written or forced; the database has stopped. */
    STORAGE_FAILED(0),
    /** Stored bytes are damaged; the message names file, offset and remedy. */
    STORAGE_CORRUPT(0),
    /** What is to be restored is no backup, or a damaged one; the message names the entry and the remedy. */
    BACKUP_INVALID(0),
    NO_SUCH_BACKUP(0),
    /** Another process holds the data directory. */
    STORAGE_LOCKED(0),
    /** The database could not be opened; the message says why. */
    DATABASE_FAILED(0),
    /** The database is stopping or has been stopped. */
    DATABASE_STOPPED(0),
    /** A broken invariant: a bug. The database in which it happened has stopped. */
    INTERNAL(0);

    private final int errno;

    ErrorCode(int errno) {
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }
}
