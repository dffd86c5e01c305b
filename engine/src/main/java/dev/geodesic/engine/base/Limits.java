package dev.geodesic.engine.base;

/**
 * What a database may use. The defaults are the table of the design's section on limits; each component is a setting
 * of the server.
 *
 * @param memoryBytesMax linear memory of one instance
 * @param callMillisMax time of one reducer, view or lifecycle call
 * @param rowBytesMax one encoded row
 * @param transactionRowsMax rows written (inserted, deleted) in one transaction
 * @param transactionBytesMax row bytes written in one transaction
 * @param handlesMax open iterators, sources and sinks each, in one call
 * @param logLineBytesMax one log line
 * @param logLinesPerSecondMax log lines of one database in a second
 * @param queueMessagesMax inbound and outbound messages that wait on one connection
 * @param queueBytesMax inbound and outbound bytes that wait on one connection
 * @param messageBytesMax one inbound message
 * @param moduleBytesMax one published program
 * @param subscriptionQueriesMax queries that one connection watches
 * @param queryTablesMax joined tables of one query
 * @param queryNodesMax predicate nodes of one query
 * @param queryTextBytesMax text of one query
 * @param databasesMax databases of a server
 * @param connectionsMax connections of a server
 * @param calls more about calls
 * @param reads of queries that run beside the writer
 */
public record Limits(
        long memoryBytesMax,
        long callMillisMax,
        int rowBytesMax,
        long transactionRowsMax,
        long transactionBytesMax,
        int handlesMax,
        int logLineBytesMax,
        int logLinesPerSecondMax,
        int queueMessagesMax,
        long queueBytesMax,
        int messageBytesMax,
        int moduleBytesMax,
        int subscriptionQueriesMax,
        int queryTablesMax,
        int queryNodesMax,
        int queryTextBytesMax,
        int databasesMax,
        int connectionsMax,
        Calls calls,
        Reads reads) {

    /**
     * Limits of views, procedures and handlers, and of what calls keep.
     *
     * @param procedureMillisMax time of one procedure or handler, waiting included; {@code callMillisMax} holds for the time
     *     that it computes
     * @param procedureTransactionMillisMax time of one transaction of a procedure or handler
     * @param resultBytesMax what a view, procedure or handler returns
     * @param iteratorBytesMax memory of all iterators that a call keeps open, if there are several
     */
    public record Calls(
            long procedureMillisMax, long procedureTransactionMillisMax, int resultBytesMax, long iteratorBytesMax) {

        public static final Calls DEFAULTS = new Calls(600_000, 30_000, 64 * MIB, 256L * MIB);
    }

    /**
     * Limits of reads at one offset while the writer goes on.
     *
     * @param millisMax time of one such read
     * @param retainedBytesMax memory of deleted rows, and of what is known about new ones, that one read holds back
     * @param writerRowsMax rows that a client's query may look at on the writer thread; larger ones run beside it
     * @param sortBytesMax memory of what ORDER BY, GROUP BY and DISTINCT of one query keep
     */
    public record Reads(long millisMax, long retainedBytesMax, long writerRowsMax, long sortBytesMax) {

        public static final Reads DEFAULTS = new Reads(60_000, 512L * MIB, 5_000, 256L * MIB);
    }

    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    public static final Limits DEFAULTS = new Limits(
            1L << 30,
            30_000,
            32 * MIB,
            10_000_000,
            1L << 30,
            65_536,
            64 * KIB,
            10_000,
            16_384,
            64L * MIB,
            32 * MIB,
            64 * MIB,
            10_000,
            16,
            2_500,
            50_000,
            1_000,
            50_000,
            Calls.DEFAULTS,
            Reads.DEFAULTS);
}
