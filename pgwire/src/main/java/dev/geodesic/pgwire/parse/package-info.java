/**
 * PostgreSQL's own SQL, as far as tools send it by themselves: {@link dev.geodesic.pgwire.parse.Tokens} cuts it up. What the
 * engine is to run is never changed here.
 */
package dev.geodesic.pgwire.parse;
