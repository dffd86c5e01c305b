/**
 * A database that runs. {@link dev.geodesic.engine.database.Server} owns all of them and the control database;
 * {@link dev.geodesic.engine.database.Database} puts state, log, module and subscriptions of one together behind its one
 * writer thread; {@link dev.geodesic.engine.database.ClientConnection} is a connected client. This is what the outside
 * (the enterprise bean, the web adapter, a {@code main}) uses.
 */
package dev.geodesic.engine.database;
