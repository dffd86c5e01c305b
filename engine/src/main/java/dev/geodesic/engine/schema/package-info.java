/**
 * What a module declares and what a table looks like. {@link dev.geodesic.engine.schema.TableSchema} is the shape of a
 * table that exists, with its ids; {@code ModuleDef} is a validated definition, still without ids. Definitions are
 * decoded, checked and named as {@code spec/module-def.md} says. Nothing here touches rows.
 */
package dev.geodesic.engine.schema;
