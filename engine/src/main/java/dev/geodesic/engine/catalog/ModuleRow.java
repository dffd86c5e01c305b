package dev.geodesic.engine.catalog;

import dev.geodesic.sats.Identity;

/**
 * The program of a database: the one row of {@code st_module}.
 *
 * @param programHash hash of the program's bytes (spec/bsatn.md section 9)
 * @param program WebAssembly binary
 */
public record ModuleRow(Identity database, Identity owner, Identity programHash, byte[] program) {
}
