/**
 * The protocols: HTTP under {@code /v1} by JAX-RS ({@link dev.geodesic.web.GeodesicApplication} and its resources, as
 * {@code spec/http-api.md} says) and WebSocket. Requests are decoded here, handed to the engine that
 * {@link dev.geodesic.ejb.ServerBean} owns, and answers encoded. No state beyond the request or the session.
 */
package dev.geodesic.web;
