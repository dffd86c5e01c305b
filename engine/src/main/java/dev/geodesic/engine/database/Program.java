package dev.geodesic.engine.database;

import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.sats.Identity;

/** The program that a database runs, and who owns both. Any thread may ask; only the writer changes it. */
final class Program {

    private volatile LoadedModule module;
    private volatile Identity owner = Identity.ZERO;

    LoadedModule module() {
        return module;
    }

    ModuleDef definition() {
        return module.definition();
    }

    Identity owner() {
        return owner;
    }

    boolean isLoaded() {
        return module != null;
    }

    void set(LoadedModule newModule, Identity newOwner) {
        module = newModule;
        owner = newOwner;
    }
}
