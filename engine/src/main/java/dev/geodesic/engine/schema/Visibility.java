package dev.geodesic.engine.schema;

/**
 * Who may call a function. Private ones exist for the owner of the database, for schedules and for the host only. The
 * order is the order of the tags.
 */
public enum Visibility {
    PRIVATE("Private"),
    CLIENT_CALLABLE("ClientCallable");

    private final String text;

    Visibility(String text) {
        this.text = text;
    }

    /** Name of the variant, as schemas show it. */
    public String text() {
        return text;
    }
}
