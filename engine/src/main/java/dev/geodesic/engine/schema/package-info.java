/**
 * What a module declares and what a table looks like. A definition goes this way: bytes from the guest become a
 * {@link dev.geodesic.engine.schema.RawModuleDef}, which has one shape for both wire versions and may say anything; a
 * {@link dev.geodesic.engine.schema.ModuleDef} has passed every rule of {@code spec/module-def.md} and has canonical
 * names; {@link dev.geodesic.engine.schema.TableDef#toSchema} gives a table its ids, and
 * {@link dev.geodesic.engine.schema.TableSchema} is the shape of a table that exists.
 *
 * <p>{@link dev.geodesic.engine.schema.UnsupportedFeatures} says what this version cannot run,
 * {@link dev.geodesic.engine.schema.MigrationPlanner} what a new version of a module may change, and
 * {@link dev.geodesic.engine.schema.SchemaJson} writes the schema documents. The bytes come from strangers: sizes,
 * depths and the number of reported errors are limited. Nothing here touches rows.
 */
package dev.geodesic.engine.schema;
