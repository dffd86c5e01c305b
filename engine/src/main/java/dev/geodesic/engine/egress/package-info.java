/**
 * HTTP requests of modules to the outside (spec/module-abi.md 5.9). {@link dev.geodesic.engine.egress.HttpEgress} carries
 * them out, {@link dev.geodesic.engine.egress.EgressPolicy} says what may be reached.
 *
 * <p>A module must not reach what only this machine can: its own ports, its neighbours, the cloud's metadata service. So the
 * policy judges addresses, not names, and the address that was judged is the one that is connected to: a name is looked up
 * once for each hop, through the port {@link dev.geodesic.engine.egress.Network}, and never again. Redirects are followed here,
 * each hop judged like the first. The grammar of HTTP/1.1 is HttpCore's (docs/decisions/0007-outbound-http.md).
 */
package dev.geodesic.engine.egress;
