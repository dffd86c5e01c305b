/**
 * The rows of one table and their indexes; no idea of transactions. A row is its BSATN bytes at a
 * {@code (segment, offset, length)}, named by a <em>row pointer</em>, a {@code long} that stays valid until the row is
 * freed. {@link dev.geodesic.engine.table.TableStore} keeps bytes, {@link dev.geodesic.engine.table.TableIndex} finds
 * them, {@code RowLayout} reads columns out of them. Stores: {@code table.chronicle} (off-heap, the default) and
 * {@code table.heap}. Imports {@code base}, {@code schema} and {@code sats}.
 */
package dev.geodesic.engine.table;
