package dev.geodesic.engine.query;

import dev.geodesic.engine.base.Limits;

/** Limits that differ from the defaults. */
final class TestLimits {

    private TestLimits() {
    }

    static Limits sortBytes(Limits d, long bytes) {
        return with(d, d.queryNodesMax(), bytes);
    }

    static Limits queryNodes(Limits d, int nodes) {
        return with(d, nodes, d.reads().sortBytesMax());
    }

    private static Limits with(Limits d, int queryNodes, long sortBytes) {
        return new Limits(
                d.memoryBytesMax(), d.callMillisMax(), d.rowBytesMax(), d.transactionRowsMax(), d.transactionBytesMax(),
                d.handlesMax(), d.logLineBytesMax(), d.logLinesPerSecondMax(), d.queueMessagesMax(), d.queueBytesMax(),
                d.messageBytesMax(), d.moduleBytesMax(), d.subscriptionQueriesMax(), d.queryTablesMax(),
                queryNodes, d.queryTextBytesMax(),
                d.databasesMax(), d.connectionsMax(), d.calls(),
                new Limits.Reads(d.reads().millisMax(), d.reads().retainedBytesMax(), d.reads().writerRowsMax(), sortBytes));
    }
}
