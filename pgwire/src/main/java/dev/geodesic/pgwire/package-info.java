/**
 * The PostgreSQL endpoint (spec/sql.md section 15): psql, JDBC and other clients of PostgreSQL's protocol 3.0 log in with a
 * token as the password and run SQL.
 *
 * <pre>
 *   {@link dev.geodesic.pgwire.PgServer}   accepts, ends connections whose time is up
 *     Connection   one client: TLS, login
 *       Session    its statements, one after the other: simple and extended queries
 *         Statements   tells what a text is: one of a session (SET, BEGIN, ...), one for the catalogue, or one for the engine
 * </pre>
 *
 * Statements run exactly as over HTTP, each with its own connect and disconnect, and answers wait until what they depend on
 * is durable. A result is complete before its first row is sent, so a slow client holds memory, which is bounded, but no lock.
 */
package dev.geodesic.pgwire;
