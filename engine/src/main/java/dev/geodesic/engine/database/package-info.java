/**
 * A database that runs. {@link dev.geodesic.engine.database.Server} owns all of them and the control database;
 * {@link dev.geodesic.engine.database.Database} puts state, log, module and subscriptions of one together behind its one
 * writer thread; {@link dev.geodesic.engine.database.ClientConnection} is a connected client. This is what the outside
 * (the enterprise bean, the web adapter, a {@code main}) uses.
 *
 * <p>Around the databases: {@code DataDirectory} says where files are, {@code DatabaseOpener} makes a running database of them,
 * {@code Databases} knows which ones run, {@code Publisher} creates, updates, replaces and deletes them, {@code Environments}
 * has the variables of their modules, {@code Backups} copies them and brings them back.
 *
 * <p>Inside of a database, all on the writer thread: {@code Transactor} is the one way from an open transaction to tables,
 * log and subscribers, and what takes part in every transaction is a {@code Participant} of it. {@code ReducerCalls} runs
 * reducers, {@code Clients} knows who is connected, {@code Installer} changes the {@code Program}. {@code LargeReads} takes
 * queries away from the writer that would hold it up.
 */
package dev.geodesic.engine.database;
