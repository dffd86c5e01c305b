package dev.geodesic.engine.query.parse;

import java.util.List;
import java.util.Optional;

/** An expression as written. */
public sealed interface Expr {

    /** Two terms or more, none of them an {@code And}. */
    record And(List<Expr> terms) implements Expr {
        public And {
            terms = List.copyOf(terms);
        }
    }

    /** Two terms or more, none of them an {@code Or}. */
    record Or(List<Expr> terms) implements Expr {
        public Or {
            terms = List.copyOf(terms);
        }
    }

    record Compare(Operator operator, Operand left, Operand right) implements Expr {
    }

    /** What can stand beside a comparison, or alone as a condition. */
    sealed interface Operand extends Expr {
    }

    /** A constant without a type; {@code text} is a number as written, hex digits, or the text of a string. */
    record Literal(Kind kind, String text) implements Operand {

        /** How it is written. */
        public enum Kind {
            BOOL,
            NUMBER,
            STRING,
            HEX,
            /** {@code $n}: the text is {@code n}, a number from 1 on. */
            PARAMETER,
            /** The value of a parameter, written as the type it is for is written in PostgreSQL. */
            VALUE
        }
    }

    /** A column; {@code table} is the name or alias in front of the last dot. */
    record Column(Optional<String> table, String name) implements Operand {
        @Override
        public String toString() {
            return table.map(t -> t + "." + name).orElse(name);
        }
    }

    /** {@code :sender}, the caller's identity. */
    record Sender() implements Operand {
    }

    /** {@code COUNT(*)}, {@code SUM(x)}...; in output columns, HAVING and ORDER BY. */
    record Aggregate(Function function, boolean distinct, Optional<Column> column) implements Operand {

        public enum Function {
            COUNT,
            SUM,
            MIN,
            MAX,
            AVG
        }

        @Override
        public String toString() {
            return function + "(" + (distinct ? "DISTINCT " : "") + column.map(Column::toString).orElse("*") + ")";
        }
    }
}
