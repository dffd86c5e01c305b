/**
 * The messages of protocol v2, which v3 sends several to a payload, in BSATN (spec/websocket.md section 6). What bites who
 * knows v1: connection id before token, inserts before deletes, tables by name only.
 */
package dev.geodesic.protocol.v2;
