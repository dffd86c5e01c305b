package dev.geodesic.engine.table;

/** A walk over row pointers. */
public interface RowCursor {

    /** Steps to the next row; false at the end. */
    boolean next();

    /** Pointer of the present row, after {@link #next} returned true. */
    long row();
}
