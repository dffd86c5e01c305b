/**
 * What {@code /health/live} and {@code /health/ready} answer (MicroProfile Health).
 */
package dev.geodesic.ejb.health;
