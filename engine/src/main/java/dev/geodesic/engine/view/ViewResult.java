package dev.geodesic.engine.view;

/** What running a view's function came to. */
public sealed interface ViewResult {

    /**
     * @param array BSATN of the rows, not checked: a u32 count, then that many products
     */
    record Rows(byte[] array) implements ViewResult {
    }

    /** The rows are those of this SELECT; none if the text is blank. */
    record Sql(String text) implements ViewResult {
    }

    /** It trapped or returned an error; whoever ran it has logged why. */
    record Failed() implements ViewResult {
    }

    record TimedOut() implements ViewResult {
    }
}
