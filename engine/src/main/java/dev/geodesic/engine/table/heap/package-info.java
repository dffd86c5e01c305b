/**
 * Rows as byte arrays on the Java heap: the model of the tests, and an operator's choice for small databases.
 */
package dev.geodesic.engine.table.heap;
