package dev.geodesic.bench;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.Caller;
import dev.geodesic.engine.query.SelectPlan;
import dev.geodesic.engine.query.SqlEngine;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.sats.Identity;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Statements from their text to their rows, without network: parse, bind, plan, run. The table has a million rows, a hundred in
 * each group.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class SqlBench {

    private static final int ROWS = 1_000_000;
    private static final int GROUP_ROWS = 100;
    private static final int BOXES = 1_000;

    private final Caller caller = new Caller(new Identity(1, 2, 3, 4), true);
    private final SqlEngine engine = new SqlEngine(Limits.DEFAULTS);
    private final SplittableRandom random = new SplittableRandom(42);
    private Items items;

    @Setup(Level.Trial)
    public void open() {
        items = new Items("chronicle", 0);
        TableSchema box = items.create("box");
        items.tx.begin();
        for (int i = 1; i <= ROWS; i++) {
            items.insert(items.schema, ItemRows.row(i, i / GROUP_ROWS, "item number " + i));
        }
        for (int i = 1; i <= BOXES; i++) {
            items.insert(box, ItemRows.row(i, random.nextInt(ROWS / GROUP_ROWS), "box number " + i));
        }
        items.commit();
    }

    @TearDown(Level.Trial)
    public void close() {
        items.close();
    }

    private int rows(String sql) {
        SelectPlan plan = (SelectPlan) engine.prepare(sql, items.committed.writerView(), caller);
        return plan.execute(items.committed.writerView()).rows().count();
    }

    /** One row by its key. */
    @Benchmark
    public int point() {
        return rows("SELECT * FROM item WHERE id = " + (1 + random.nextInt(ROWS)));
    }

    /** The same without running it. */
    @Benchmark
    public Object prepare() {
        return engine.prepare(
                "SELECT * FROM item WHERE id = " + (1 + random.nextInt(ROWS)), items.committed.writerView(), caller);
    }

    /** A hundred rows by a range of the key. */
    @Benchmark
    public int range() {
        int from = 1 + random.nextInt(ROWS - GROUP_ROWS);
        return rows("SELECT * FROM item WHERE id >= " + from + " AND id < " + (from + GROUP_ROWS));
    }

    /** A hundred rows by an index, under a filter. */
    @Benchmark
    public int group() {
        return rows("SELECT id, name FROM item WHERE grp = " + random.nextInt(ROWS / GROUP_ROWS) + " AND name <> 'x'");
    }

    /** One row by its key, and a hundred that an index joins to it. */
    @Benchmark
    public int join() {
        return rows("SELECT i.* FROM box b JOIN item i ON b.grp = i.grp WHERE b.id = " + (1 + random.nextInt(BOXES)));
    }

    /** Reads the whole table. */
    @Benchmark
    public int countFiltered() {
        return rows("SELECT COUNT(*) AS n FROM item WHERE name > 'item number 5'");
    }

    /** Reads the whole table and keeps ten rows. */
    @Benchmark
    public int orderLimit() {
        return rows("SELECT * FROM item ORDER BY name DESC LIMIT 10");
    }

    /** Ten thousand groups of the whole table. */
    @Benchmark
    public int groups() {
        return rows("SELECT grp, COUNT(*) AS n, MAX(id) AS last FROM item GROUP BY grp");
    }
}
