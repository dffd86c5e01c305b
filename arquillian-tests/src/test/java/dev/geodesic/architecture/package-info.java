/**
 * Who may use whom, as tests over the compiled classes of all modules.
 */
package dev.geodesic.architecture;
