/**
 * The engine's place in the application server: life cycle, settings, threads, health. {@link dev.geodesic.ejb.ServerBean}
 * owns everything and is the only way from {@code web} to the engine; {@link dev.geodesic.ejb.ServerConfig} is what the
 * operator set. No decision about data is made here. Imports the engine and Jakarta EE, never {@code web}.
 */
package dev.geodesic.ejb;
