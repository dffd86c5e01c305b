/**
 * Views: queries in the words of a module whose results are kept up to date as rows of a table of their own
 * (spec/execution.md section 6). {@link dev.geodesic.engine.view.Views} knows which views are materialised for whom and what
 * each of them read; it runs a view when somebody asks first, and again inside every transaction that touches what it read.
 * How a view is run is the matter of a {@link dev.geodesic.engine.view.ViewRunner}.
 *
 * <p>A transaction that touches nothing that a view has read costs one look-up per changed table. Materialised rows are no
 * part of the log: after a start every view is empty until somebody asks.
 *
 * <p>Writer thread only. Imports {@code base}, {@code schema}, {@code table}, {@code tx} and {@code query}.
 */
package dev.geodesic.engine.view;
