/**
 * HTTP as modules see it: the requests and responses of their handlers, and of what their procedures send out
 * (spec/module-abi.md 5.9). Bodies travel beside these records, as plain bytes.
 *
 * <p>Decoding trusts nobody: it takes whole BSATN values of bounded size only. What a URI, a header name or a status code may
 * be is not looked at here; whoever sends the message on has to.
 */
package dev.geodesic.engine.host.http;
