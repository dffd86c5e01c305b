/**
 * HTTP under {@code /v1} by JAX-RS, as {@code spec/http-api.md} says. Requests are decoded here, handed to the engine that
 * {@link dev.geodesic.ejb.ServerBean} owns, and answers encoded. No state beyond the request, but for bounds on what all
 * requests together may hold.
 *
 * <p>Plain requests of the two routes that applications use all the time are answered by {@link dev.geodesic.web.FastPathFilter}
 * without JAX-RS, by the code of the same resources. Any other passes {@link dev.geodesic.web.BodyFilter}, which waits for its
 * body, {@link dev.geodesic.web.CallerFilter}, which finds out who calls, and one resource. No thread of the container waits:
 * what takes time is done by {@link dev.geodesic.web.Requests}, which also sends the answers. Errors become answers in
 * {@link dev.geodesic.web.ErrorMapper} alone; {@link dev.geodesic.web.CorsFilter} has a hand in every answer. Values, and
 * what is sent by threads of ours, are written by {@code sats}; other envelopes of administration are records written by JSON-B.
 */
package dev.geodesic.web;
