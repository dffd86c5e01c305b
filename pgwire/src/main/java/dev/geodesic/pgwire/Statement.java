package dev.geodesic.pgwire;

import dev.geodesic.pgwire.catalog.CatalogQuery;
import dev.geodesic.pgwire.message.PgException;
import java.util.List;

/** What the text of a query message is. */
sealed interface Statement {

    record Empty() implements Statement {
    }

    /** @param name of a variable of the session, in lower case */
    record Set(String name, String value) implements Statement {
    }

    record Show(String name) implements Statement {
    }

    /** Back to the value at the login; {@code all} for all variables. */
    record Reset(String name) implements Statement {
    }

    record Begin(String tag) implements Statement {
    }

    record Commit() implements Statement {
    }

    record Rollback() implements Statement {
    }

    /** Forgets prepared statements; {@code all}, or the name of one. */
    record Deallocate(String name) implements Statement {
    }

    /** Forgets everything about the session. */
    record DiscardAll() implements Statement {
    }

    /** Does nothing here, because there is nothing that it would end. */
    record Nothing(String tag) implements Statement {
    }

    /** A question about the catalogue, or one without tables. */
    record Catalog(CatalogQuery query, Sql text) implements Statement {
    }

    /** For the catalogue, but not to be understood. */
    record Refused(PgException reason) implements Statement {
    }

    /**
     * For the engine, as it came.
     *
     * @param verb the first word in lower case; empty if the text could not be cut into words
     * @param constants values of {@code $1}... that were written in the text as {@code ('7'::int4)}: the JDBC driver's way
     *     to bind in simple queries
     */
    record Sql(String text, String verb, List<String> constants) implements Statement {

        Sql(String text, String verb) {
            this(text, verb, List.of());
        }

        /** Whether it changes nothing; not so if it cannot be told. */
        boolean reads() {
            return verb.equals("select") || verb.equals("show") || verb.equals("explain");
        }
    }
}
