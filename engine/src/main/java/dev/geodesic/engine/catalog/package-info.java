/**
 * The catalogue: what exists in a database, kept as rows of the {@code st_*} tables (spec/sql.md section 14), so that a
 * change of schema, data and program is one transaction of the same log. {@link dev.geodesic.engine.catalog.SystemTables}
 * has the shapes, {@link dev.geodesic.engine.catalog.Catalog} reads and writes the rows.
 */
package dev.geodesic.engine.catalog;
