/**
 * The messages of protocol v1 in its two forms, BSATN and JSON text (spec/websocket.md section 5). A v1 connection accepts
 * both forms from the client and answers in the one it negotiated. What bites who knows v2: token before connection id,
 * deletes before inserts, and one TransactionUpdate message for callers and, where the module allows it, for everybody else.
 */
package dev.geodesic.protocol.v1;
