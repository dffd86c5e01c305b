/**
 * Rows off-heap in Chronicle Map: the default store. An entry of a map is a <em>page</em>, not a row: values of constant
 * size never move, so a page's address is asked for once and a row access is an address computation. A database has one
 * {@link dev.geodesic.engine.table.chronicle.PagePool} per page size, which adds maps as the database grows and closes
 * those that have become empty; {@code ChronicleStore} cuts its pages into slots of one size each and keeps on the heap
 * which slots are used and which rows are live. Figures and alternatives: {@code docs/decisions/0001-row-pages.md}.
 *
 * <p>The memory is not durable: the commit log is. The JVM needs the flags of {@code liberty-config}'s jvm.options,
 * because Chronicle compiles a class of its own at first use.
 */
package dev.geodesic.engine.table.chronicle;
