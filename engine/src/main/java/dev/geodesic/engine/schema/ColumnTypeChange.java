package dev.geodesic.engine.schema;

import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.FixedLayout;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Whether stored values of one type are values of another (spec/module-def.md 8.1). */
final class ColumnTypeChange {

    private final String table;
    private final String column;
    private final Consumer<String> refuse;

    private ColumnTypeChange(String table, String column, Consumer<String> refuse) {
        this.table = table;
        this.column = column;
        this.refuse = refuse;
    }

    /** Reports every reason why the types, both free of references, do not fit. */
    static void check(String table, String column, AlgebraicType before, AlgebraicType after, Consumer<String> refuse) {
        new ColumnTypeChange(table, column, refuse).compare(before, after, true);
    }

    private void compare(AlgebraicType before, AlgebraicType after, boolean top) {
        if (before.equals(after)) {
            return;
        }
        String change = change(before, after, top);
        switch (before) {
            case SumType o when after instanceof SumType n -> compareSums(o, n, change);
            case ProductType o when after instanceof ProductType n -> compareProducts(o, n, change);
            case ArrayType o when after instanceof ArrayType n -> compare(o.element(), n.element(), false);
            default -> refuse.accept(change + " requires a manual migration");
        }
    }

    private String change(AlgebraicType before, AlgebraicType after, boolean top) {
        return (top ? "Changing the type of column " : "Changing a type within column ") + column + " in table " + table
                + " from " + TypeSize.text(before) + " to " + TypeSize.text(after);
    }

    private void compareSums(SumType before, SumType after, String change) {
        List<SumVariant> o = before.variants();
        List<SumVariant> n = after.variants();
        if (n.size() < o.size()) {
            refuse.accept(change + ", with fewer variants, requires a manual migration");
        }
        int common = Math.min(o.size(), n.size());
        boolean renamed = false;
        for (int i = 0; i < common; i++) {
            renamed |= !o.get(i).name().equals(n.get(i).name());
            compare(o.get(i).type(), n.get(i).type(), false);
        }
        if (renamed) {
            refuse.accept(change + ", with a renamed variant, requires a manual migration");
        }
        if (n.size() >= o.size()) {
            FixedLayout was = FixedLayout.of(before);
            FixedLayout is = FixedLayout.of(after);
            if (was.size() != is.size()) {
                refuse.accept(change + ", requires a manual migration, due to size mismatch");
            }
            if (was.align() != is.align()) {
                refuse.accept(change + ", requires a manual migration, due to alignment mismatch");
            }
        }
    }

    private void compareProducts(ProductType before, ProductType after, String change) {
        List<ProductElement> o = before.elements();
        List<ProductElement> n = after.elements();
        if (n.size() != o.size()) {
            refuse.accept(change + ", with fewer fields, requires a manual migration");
        }
        boolean renamed = false;
        for (int i = 0; i < Math.min(o.size(), n.size()); i++) {
            Optional<String> name = o.get(i).name();
            renamed |= !name.equals(n.get(i).name());
            compare(o.get(i).type(), n.get(i).type(), false);
        }
        if (renamed) {
            refuse.accept(change + ", with a renamed field, requires a manual migration");
        }
    }
}
