package dev.geodesic.engine.query;

import dev.geodesic.engine.query.parse.Operator;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;

/** A checked condition: columns are positions, constants are BSATN, and nothing in it depends on the caller any more. */
sealed interface BoundExpr {

    BoundExpr TRUE = new Constant(true);
    BoundExpr FALSE = new Constant(false);

    record Constant(boolean value) implements BoundExpr {
    }

    /** At least two terms, no constants, no And. */
    record And(List<BoundExpr> terms) implements BoundExpr {
    }

    /** At least two terms, no constants, no Or. */
    record Or(List<BoundExpr> terms) implements BoundExpr {
    }

    /** {@code column <operator> constant}. */
    record CompareConstant(Operator operator, BoundColumn column, byte[] value) implements BoundExpr {
    }

    /** {@code left <operator> right}, both of one kind. */
    record CompareColumns(Operator operator, BoundColumn left, BoundColumn right) implements BoundExpr {
    }

    /** A column of the query's table number {@code table}. */
    record BoundColumn(int table, int position, ValueKind kind) {

        private BoundColumn renumbered(int[] tables) {
            return new BoundColumn(tables[table], position, kind);
        }
    }

    /** Conjunction with constants folded and nested conjunctions flattened. */
    static BoundExpr and(List<BoundExpr> terms) {
        List<BoundExpr> flat = new ArrayList<>();
        for (BoundExpr term : terms) {
            switch (term) {
                case Constant(boolean value) -> {
                    if (!value) {
                        return FALSE;
                    }
                }
                case And(List<BoundExpr> inner) -> flat.addAll(inner);
                default -> flat.add(term);
            }
        }
        return flat.isEmpty() ? TRUE : flat.size() == 1 ? flat.getFirst() : new And(List.copyOf(flat));
    }

    /** Disjunction with constants folded and nested disjunctions flattened. */
    static BoundExpr or(List<BoundExpr> terms) {
        List<BoundExpr> flat = new ArrayList<>();
        for (BoundExpr term : terms) {
            switch (term) {
                case Constant(boolean value) -> {
                    if (value) {
                        return TRUE;
                    }
                }
                case Or(List<BoundExpr> inner) -> flat.addAll(inner);
                default -> flat.add(term);
            }
        }
        return flat.isEmpty() ? FALSE : flat.size() == 1 ? flat.getFirst() : new Or(List.copyOf(flat));
    }

    /** The terms that must all hold. */
    default List<BoundExpr> conjuncts() {
        return switch (this) {
            case And(List<BoundExpr> terms) -> terms;
            case Constant(boolean value) when value -> List.of();
            default -> List.of(this);
        };
    }

    /** The same with other table numbers: table {@code i} becomes {@code tables[i]}. */
    default BoundExpr renumbered(int[] tables) {
        return switch (this) {
            case Constant constant -> constant;
            case And(List<BoundExpr> terms) -> new And(terms.stream().map(t -> t.renumbered(tables)).toList());
            case Or(List<BoundExpr> terms) -> new Or(terms.stream().map(t -> t.renumbered(tables)).toList());
            case CompareConstant(Operator operator, BoundColumn column, byte[] value) ->
                new CompareConstant(operator, column.renumbered(tables), value);
            case CompareColumns(Operator operator, BoundColumn left, BoundColumn right) ->
                new CompareColumns(operator, left.renumbered(tables), right.renumbered(tables));
        };
    }

    /** Numbers of the tables that are named. */
    default BitSet tables() {
        BitSet tables = new BitSet();
        switch (this) {
            case Constant constant -> { }
            case And(List<BoundExpr> terms) -> terms.forEach(t -> tables.or(t.tables()));
            case Or(List<BoundExpr> terms) -> terms.forEach(t -> tables.or(t.tables()));
            case CompareConstant compare -> tables.set(compare.column().table());
            case CompareColumns compare -> {
                tables.set(compare.left().table());
                tables.set(compare.right().table());
            }
        }
        return tables;
    }

    /** Text that is equal for conditions that differ only in the order of their terms or in repetitions. */
    default String normalized() {
        return switch (this) {
            case Constant(boolean value) -> Boolean.toString(value);
            case And(List<BoundExpr> terms) -> normalized("and", terms);
            case Or(List<BoundExpr> terms) -> normalized("or", terms);
            case CompareConstant(Operator operator, BoundColumn column, byte[] value) ->
                name(column) + operator.symbol() + HexFormat.of().formatHex(value);
            case CompareColumns(Operator operator, BoundColumn left, BoundColumn right) ->
                name(left).compareTo(name(right)) <= 0
                        ? name(left) + operator.symbol() + name(right)
                        : name(right) + operator.swapped().symbol() + name(left);
        };
    }

    private static String normalized(String name, List<BoundExpr> terms) {
        List<String> texts = new ArrayList<>(terms.stream().map(BoundExpr::normalized).distinct().toList());
        Collections.sort(texts);
        return name + "(" + String.join(",", texts) + ")";
    }

    private static String name(BoundColumn column) {
        return "#" + column.table() + "." + column.position();
    }
}
