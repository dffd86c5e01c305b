package dev.geodesic.protocol.v1;

import dev.geodesic.protocol.message.Fragment;
import dev.geodesic.protocol.message.QuerySetUpdate;
import dev.geodesic.protocol.message.ReducerCall;
import dev.geodesic.protocol.message.ReducerOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.protocol.message.ServerMessage.ReducerResult;
import dev.geodesic.protocol.message.ServerMessage.TransactionUpdate;
import dev.geodesic.protocol.message.TableUpdate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What the two forms of v1 have in common. */
final class V1 {

    private V1() {
    }

    /** v1 knows no query sets in updates: the tables of all sets, in order. */
    static List<TableUpdate> tables(List<QuerySetUpdate> querySets) {
        if (querySets.size() == 1) {
            return querySets.getFirst().tables();
        }
        List<TableUpdate> tables = new ArrayList<>();
        querySets.forEach(set -> tables.addAll(set.tables()));
        return tables;
    }

    /** The reverse of {@link #tables}, for readers. */
    static List<QuerySetUpdate> querySets(List<TableUpdate> tables) {
        return tables.isEmpty() ? List.of() : List.of(new QuerySetUpdate(0, tables));
    }

    static long rowCount(TableUpdate table) {
        long count = 0;
        for (Fragment fragment : table.fragments()) {
            checkPersistent(fragment);
            count += fragment.rowCount();
        }
        return count;
    }

    private static void checkPersistent(Fragment fragment) {
        if (fragment.isEvent()) {
            throw new IllegalArgumentException("v1 has no event tables");
        }
    }

    /** The table of an answer to a single subscription. */
    static TableUpdate onlyTable(List<TableUpdate> tables) {
        if (tables.size() != 1) {
            throw new IllegalArgumentException("a single subscription has one table");
        }
        return tables.getFirst();
    }

    static List<TableUpdate> dropped(Optional<List<TableUpdate>> tables) {
        return tables.orElseThrow(() -> new IllegalArgumentException("v1 sends the rows of an unsubscribe"));
    }

    /** A call that never ran is reported without its request id. */
    static int requestId(ReducerCall call) {
        return call.started() ? call.requestId() : 0;
    }

    /** A TransactionUpdate as read: the caller cannot be told from others, so a committed one is an update. */
    static ServerMessage transactionUpdate(ReducerCall call, ReducerOutcome outcome) {
        return outcome instanceof ReducerOutcome.Committed committed
                ? new TransactionUpdate(Optional.of(call), call.requestId(), committed.querySets())
                : new ReducerResult(call, outcome);
    }
}
