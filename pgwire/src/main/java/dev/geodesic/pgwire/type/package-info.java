/**
 * How values look to PostgreSQL clients (the type table of spec/sql.md section 15): {@link dev.geodesic.pgwire.type.PgType}
 * names the types, {@link dev.geodesic.pgwire.type.ColumnType} maps a type of ours to one, and values go from BSATN straight
 * into a message as text ({@link dev.geodesic.pgwire.type.TextFormat}) or in PostgreSQL's binary form
 * ({@link dev.geodesic.pgwire.type.BinaryFormat}).
 */
package dev.geodesic.pgwire.type;
