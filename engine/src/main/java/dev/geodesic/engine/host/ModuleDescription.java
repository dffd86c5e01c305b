package dev.geodesic.engine.host;

/**
 * A module's definition as the module wrote it (spec/module-def.md section 1).
 *
 * @param bytes BSATN of the whole sum, its tag included
 */
public record ModuleDescription(Version version, byte[] bytes) {

    /** The sum's tag. */
    public enum Version {
        V9,
        V10
    }
}
