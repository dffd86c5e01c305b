package dev.geodesic.engine.schema;

/** What becomes of a table's rows at commit, and who sees them. */
public enum TableRole {
    /** They stay. */
    STORED,
    /** They are logged and sent to subscribers, and are gone (spec/execution.md section 7). */
    EVENT,
    /** Results of a view for each caller, in memory only (spec/execution.md 6.1); column 0 is the hash of the caller. */
    VIEW,
    /** Results of a view that are the same for everybody, with the same column 0. */
    ANONYMOUS_VIEW;

    /** Whether the rows are results of a view. */
    public boolean isView() {
        return this == VIEW || this == ANONYMOUS_VIEW;
    }
}
