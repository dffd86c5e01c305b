package dev.geodesic.engine.query;

import dev.geodesic.engine.base.Limits;

/** Limits that differ from the defaults. */
final class TestLimits {

    private TestLimits() {
    }

    static Limits queueBytes(Limits d, long bytes) {
        return new Limits(
                d.memoryBytesMax(), d.callMillisMax(), d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), bytes, d.messageBytesMax(),
                d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(), d.queryNodesMax(), d.queryTextBytesMax(),
                d.databasesMax(), d.connectionsMax(), d.calls());
    }
}
