/**
 * SQL text to syntax tree (spec/sql.md sections 1 to 3 and 13). {@link dev.geodesic.engine.query.parse.Parser} reads one
 * statement by recursive descent over the tokens of {@code Lexer} and gives a
 * {@link dev.geodesic.engine.query.parse.Statement}; it knows no tables. What PostgreSQL has and this grammar has not is
 * refused here, with the leading phrase that clients expect. Imports {@code base} only.
 */
package dev.geodesic.engine.query.parse;
