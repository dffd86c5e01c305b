package dev.geodesic.engine.host.abi;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.runtime.WasmBinary;

/** Version of the ABI that a module needs (spec/module-abi.md section 1). */
public record AbiVersion(int major, int minor) {

    public static final AbiVersion IMPLEMENTED = new AbiVersion(10, 6);
    static final String MODULE_PREFIX = "spacetime_";

    /**
     * The version that a program's imports ask for.
     *
     * @throws EngineException INVALID_MODULE if there is none, or none that this host has
     */
    public static AbiVersion required(WasmBinary binary) {
        AbiVersion found = null;
        for (WasmBinary.Import entry : binary.imports()) {
            if (entry.kind() != WasmBinary.Kind.FUNCTION || !entry.module().startsWith(MODULE_PREFIX)) {
                continue;
            }
            AbiVersion version = parse(entry.module());
            if (found == null) {
                found = version;
            } else if (found.major != version.major) {
                throw invalid("module cannot depend on both major version " + found.major
                        + " and major version " + version.major);
            } else if (version.minor > found.minor) {
                found = version;
            }
        }
        if (found == null) {
            throw invalid("unable to determine ABI of module (may be on an spacetime version < 0.8)");
        }
        if (found.major != IMPLEMENTED.major || found.minor > IMPLEMENTED.minor) {
            throw invalid("abi version " + found + " is not supported (host implements " + IMPLEMENTED + ")");
        }
        return found;
    }

    private static AbiVersion parse(String module) {
        String[] parts = module.substring(MODULE_PREFIX.length()).split("\\.", -1);
        if (parts.length == 2) {
            int major = u16(parts[0]);
            int minor = u16(parts[1]);
            if (major >= 0 && minor >= 0) {
                return new AbiVersion(major, minor);
            }
        }
        throw invalid("import module \"" + module + "\" has malformed version string");
    }

    /** A u16 in decimal digits, or -1. */
    private static int u16(String digits) {
        int value = 0;
        for (int i = 0; i < digits.length(); i++) {
            char c = digits.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            value = value * 10 + (c - '0');
            if (value > 0xffff) {
                return -1;
            }
        }
        return digits.isEmpty() ? -1 : value;
    }

    private static EngineException invalid(String message) {
        return new EngineException(ErrorCode.INVALID_MODULE, message);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
