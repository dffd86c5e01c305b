package dev.geodesic.pgwire;

/** What running a statement gave. */
sealed interface Outcome {

    /** The text held no statement. */
    record Empty() implements Outcome {
    }

    /** @param tag tells the client what was done */
    record Done(String tag) implements Outcome {
    }

    record Rows(RowSet rows, String verb) implements Outcome {

        /** @param sent rows since the statement was last executed */
        String tag(int sent) {
            return verb.equals("SELECT") ? "SELECT " + sent : verb;
        }
    }
}
