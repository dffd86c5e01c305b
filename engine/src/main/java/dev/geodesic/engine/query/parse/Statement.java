package dev.geodesic.engine.query.parse;

import java.util.List;
import java.util.Optional;

/** A statement as written; names are not resolved. */
public sealed interface Statement {

    /** @param text the statement on one line, for messages */
    record Select(Projection projection, Relation from, Optional<Expr> where, Tail tail, String text) implements Statement {
    }

    /**
     * What becomes of the rows that were found. All but the limit is an extension of dialect Q.
     *
     * @param groupBy columns, or positions in the output as numbers
     * @param limit rows at most; a number or a parameter
     * @param offset rows that are left out before; a number or a parameter
     */
    record Tail(
            boolean distinct,
            List<Expr.Operand> groupBy,
            Optional<Expr> having,
            List<SortKey> orderBy,
            Optional<Expr.Literal> limit,
            Optional<Expr.Literal> offset) {
    }

    /** @param value a column or alias, a position in the output as a number, or an aggregate */
    record SortKey(Expr.Operand value, boolean descending) {
    }

    /** {@code EXPLAIN} of a SELECT, UPDATE or DELETE. */
    record Explain(Statement statement) implements Statement {
    }

    /** Every row has at least one value; the number of values is not checked. */
    record Insert(String table, List<String> columns, List<List<Expr.Literal>> rows) implements Statement {
    }

    record Update(String table, List<Assignment> assignments, Optional<Expr> where) implements Statement {
    }

    record Delete(String table, Optional<Expr> where) implements Statement {
    }

    record SetVariable(String name, Expr.Literal value) implements Statement {
    }

    record ShowVariable(String name) implements Statement {
    }

    record Assignment(String column, Expr.Literal value) {
    }

    /** What a SELECT returns. */
    sealed interface Projection {

        /** {@code *}. */
        record Star() implements Projection {
        }

        /** {@code t.*}. */
        record TableStar(String table) implements Projection {
        }

        /** {@code a, t.b AS c, SUM(d) AS e}. */
        record Columns(List<OutputColumn> columns) implements Projection {
        }

        /** {@code COUNT(*) AS alias}. */
        record Count(String alias) implements Projection {
        }
    }

    /** A column or an aggregate under its output name. */
    record OutputColumn(Expr.Operand value, String name) {
    }

    /** A table under the name that the rest of the query uses. */
    record TableRef(String name, String alias) {
    }

    /** The tables of a query, joined from left to right. */
    record Relation(TableRef first, List<Join> joins) {
    }

    /** An inner join on one pair of columns, or a cross join. */
    record Join(TableRef table, Optional<JoinColumns> on) {
    }

    /** The two columns of {@code ON left = right}. */
    record JoinColumns(Expr.Column left, Expr.Column right) {
    }
}
