package dev.geodesic.pgwire.parse;

import java.util.List;
import java.util.Optional;

/**
 * A SELECT as PostgreSQL has it, as far as tools use it to ask for the catalogue. Expressions are compared by identity where
 * something is kept for one of them, so none may be shared between two places.
 */
public record Query(
        boolean distinct, List<Item> items, List<Source> from, Optional<Expr> where, List<Order> orderBy,
        Optional<Expr> limit, Optional<Expr> offset, List<Union> unions) {

    /** An output column, or all columns of everything ({@code *}) or of one source. */
    public sealed interface Item {

        /** @param qualifier empty for all sources */
        record All(String qualifier) implements Item {
        }

        record Value(Expr value, String name) implements Item {
        }
    }

    /** How a source is joined to those before it. */
    public enum Join { CROSS, INNER, LEFT }

    /**
     * One source of rows.
     *
     * @param columns names that replace those of the relation, as far as they are given
     */
    public record Source(Join join, Relation relation, String alias, List<String> columns, Optional<Expr> on) {
    }

    /** Where rows come from. */
    public sealed interface Relation {

        /** @param schema empty if not given */
        record Table(String schema, String name) implements Relation {
        }

        record Derived(Query query) implements Relation {
        }

        record Function(Expr.Call call) implements Relation {
        }
    }

    /** A sort key: an expression, the name of an output column, or its number. */
    public record Order(Expr key, boolean descending) {
    }

    /** What is added to the rows. */
    public record Union(Query query, boolean all) {
    }

    /** An expression. */
    public sealed interface Expr {

        /** @param value null, Boolean, Long, Double or String */
        record Literal(Object value) implements Expr {
        }

        /** @param number from 1 on */
        record Parameter(int number) implements Expr {
        }

        /** @param qualifier empty if not given */
        record Column(String qualifier, String name) implements Expr {
        }

        record Call(String name, List<Expr> arguments, Optional<Window> over) implements Expr {
        }

        record Window(List<Expr> partitionBy, List<Order> orderBy) {
        }

        record When(Expr condition, Expr value) {
        }

        record Case(Optional<Expr> operand, List<When> whens, Optional<Expr> otherwise) implements Expr {
        }

        /** @param type without schema, with {@code []} for arrays */
        record Cast(Expr value, String type) implements Expr {
        }

        record Unary(String operator, Expr value) implements Expr {
        }

        record Binary(String operator, Expr left, Expr right) implements Expr {
        }

        record And(List<Expr> terms) implements Expr {
        }

        record Or(List<Expr> terms) implements Expr {
        }

        record In(Expr value, List<Expr> choices) implements Expr {
        }

        record InQuery(Expr value, Query query) implements Expr {
        }

        /** {@code value operator ANY (array)}, or ALL. */
        record Quantified(Expr value, String operator, boolean all, Expr array) implements Expr {
        }

        record Exists(Query query) implements Expr {
        }

        record Scalar(Query query) implements Expr {
        }

        record ArrayQuery(Query query) implements Expr {
        }

        record ArrayOf(List<Expr> items) implements Expr {
        }

        record Field(Expr value, String name) implements Expr {
        }

        record Subscript(Expr array, Expr index) implements Expr {
        }
    }
}
