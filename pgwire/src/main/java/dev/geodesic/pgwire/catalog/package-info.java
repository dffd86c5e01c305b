/**
 * PostgreSQL's catalogue as tools see it. {@code psql} and drivers ask for tables, columns and indexes with SELECTs over
 * {@code pg_class} and its like, different ones in every version. {@link dev.geodesic.pgwire.catalog.Catalog} holds the rows of
 * these tables, made from the schema of the database as far as the caller may see it, and an
 * {@link dev.geodesic.pgwire.catalog.Evaluator} runs the query over them: joins, conditions, subqueries, and the functions in
 * {@link dev.geodesic.pgwire.catalog.Functions}. It is meant for thousands of rows, and its work is bounded.
 */
package dev.geodesic.pgwire.catalog;
