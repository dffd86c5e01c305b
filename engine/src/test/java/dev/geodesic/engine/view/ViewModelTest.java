package dev.geodesic.engine.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.engine.view.ViewWorld.Item;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.Identity;
import dev.geodesic.testkit.Proves;
import dev.geodesic.testkit.Seeds;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Random tables, random views, random transactions: after every commit what is stored of each view is what running it gives,
 * and a transaction changes no row of a view that was right already.
 */
@Proves("execution.md 6.1")
@Proves("execution.md 6.2")
@Proves("execution.md 6.3")
class ViewModelTest {

    private static final int GROUPS = 4;
    private static final int IDS = 12;

    @Test
    void materialisedRowsAreAlwaysThoseOfAFreshRun() {
        Seeds.repeat(20, random -> {
            try (ViewWorld world = new ViewWorld()) {
                new Run(world, random).steps(80);
            }
        });
    }

    private static final class Run {

        private final ViewWorld world;
        private final Random random;
        private final List<TableSchema> tables = new ArrayList<>();
        private final List<ViewKey> keys = new ArrayList<>();
        private final List<Identity> callers = List.of(new Identity(1, 0, 0, 0), new Identity(2, 0, 0, 0));

        Run(ViewWorld world, Random random) {
            this.world = world;
            this.random = random;
            for (int i = 0; i < 3; i++) {
                tables.add(world.table("t" + i));
            }
            for (int i = 0; i < 5; i++) {
                ViewWorld.Body body = body();
                if (random.nextBoolean()) {
                    TableSchema view = world.anonymousView("v" + i, body);
                    keys.add(ViewKey.of(view, callers.getFirst()));
                } else {
                    TableSchema view = world.senderView("v" + i, body);
                    callers.forEach(c -> keys.add(ViewKey.of(view, c)));
                }
            }
        }

        private TableSchema anyTable() {
            return tables.get(random.nextInt(tables.size()));
        }

        /** A fixed list of reads, some of which depend on what others found. */
        private ViewWorld.Body body() {
            List<ViewWorld.Body> parts = new ArrayList<>();
            for (int i = 1 + random.nextInt(3); i > 0; i--) {
                TableSchema table = anyTable();
                TableSchema other = anyTable();
                int id = random.nextInt(IDS);
                int group = random.nextInt(GROUPS);
                parts.add(switch (random.nextInt(7)) {
                    case 0 -> (caller, reads) -> ViewWorld.rows(reads.all(table));
                    case 1 -> (caller, reads) -> ViewWorld.rows(List.of(new Item(reads.count(table), 0, "count")));
                    case 2 -> (caller, reads) -> ViewWorld.rows(reads.byId(table, id));
                    case 3 -> (caller, reads) -> ViewWorld.rows(
                            reads.byGroup(table, caller.map(c -> (int) c.w0()).orElse(group)));
                    case 4 -> (caller, reads) -> ViewWorld.rows(reads.byGroupAndText(table, group, text(id)));
                    case 5 -> (caller, reads) -> ViewWorld.rows(
                            reads.byId(table, id).isEmpty() ? reads.byGroup(other, group) : List.of());
                    default -> (caller, reads) -> {
                        List<Item> found = new ArrayList<>();
                        reads.byGroup(table, group).forEach(i2 -> found.addAll(reads.byId(other, i2.id() + 1)));
                        return ViewWorld.rows(found);
                    };
                });
            }
            return (caller, reads) -> {
                Set<Item> all = new TreeSet<>();
                for (ViewWorld.Body part : parts) {
                    all.addAll(items((ViewResult.Rows) part.run(caller, reads)));
                }
                return ViewWorld.rows(all);
            };
        }

        private static List<Item> items(ViewResult.Rows rows) {
            BsatnReader in = new BsatnReader(rows.array());
            List<Item> items = new ArrayList<>();
            for (int i = in.readU32(); i > 0; i--) {
                items.add(Item.read(in));
            }
            return items;
        }

        private String text(int n) {
            return "text " + n % 3;
        }

        void steps(int count) {
            for (int i = 0; i < count; i++) {
                List<Set<Item>> before = keys.stream().map(world::rows).map(s -> (Set<Item>) new HashSet<>(s)).toList();
                switch (random.nextInt(8)) {
                    case 0 -> materialize();
                    case 1 -> expire();
                    case 2 -> assertUntouched(before, this::rollBack);
                    default -> check(before, world.transact(this::write));
                }
                for (ViewKey key : keys) {
                    if (world.views.isMaterialized(key)) {
                        assertEquals(world.fresh(key), world.rows(key));
                    } else {
                        assertTrue(world.rows(key).isEmpty(), "rows of a view that is not materialised");
                    }
                }
            }
        }

        private void write() {
            for (int i = random.nextInt(6); i > 0; i--) {
                TableSchema table = anyTable();
                List<Item> present = new ViewWorld.Reads(world.tx).all(table);
                Item item = new Item(random.nextInt(IDS), random.nextInt(GROUPS), text(random.nextInt(3)));
                if (!present.isEmpty() && random.nextBoolean()) {
                    world.delete(table, present.get(random.nextInt(present.size())));
                } else if (present.stream().noneMatch(p -> p.id() == item.id())) {
                    world.insert(table, item);
                } else {
                    byte[] row = item.bytes();
                    world.tx.update(table.tableId(), table.indexes().stream()
                                    .filter(x -> x.unique()).findFirst().orElseThrow().indexId(),
                            MemorySegment.ofArray(row), 0, row.length);
                }
            }
        }

        private void rollBack() {
            try {
                world.transact(() -> {
                    write();
                    world.views.refresh(world.tx);
                    throw new IllegalStateException("on purpose");
                });
            } catch (IllegalStateException e) {
                // The point of it.
            }
        }

        private void assertUntouched(List<Set<Item>> before, Runnable work) {
            work.run();
            for (int k = 0; k < keys.size(); k++) {
                assertEquals(before.get(k), world.rows(keys.get(k)));
            }
        }

        /** The change of each view's table is exactly the difference. */
        private void check(List<Set<Item>> before, TxData data) {
            for (TxData.TableChange change : data.changes()) {
                int changed = 0;
                for (int k = 0; k < keys.size(); k++) {
                    if (keys.get(k).tableId() == change.table().id()) {
                        Set<Item> after = world.rows(keys.get(k));
                        Set<Item> both = new HashSet<>(after);
                        both.retainAll(before.get(k));
                        changed += after.size() + before.get(k).size() - 2 * both.size();
                    }
                }
                if (change.table().schema().role().isView()) {
                    assertEquals(changed, change.inserts().size() + change.deletes().size());
                }
            }
        }

        private void materialize() {
            ViewKey key = keys.get(random.nextInt(keys.size()));
            TxData data = world.materialize(key);
            assertTrue(data.isVolatile());
            assertTrue(world.views.isMaterialized(key));
            if (random.nextInt(3) == 0) {
                world.views.subscribed(key);
                world.views.unsubscribed(key);
            }
        }

        private void expire() {
            world.timer.advance(TimeUnit.MINUTES.toMicros(random.nextInt(12)));
            TxData data = world.transact(() -> world.views.expire(world.tx));
            assertTrue(data.isVolatile());
        }
    }
}
