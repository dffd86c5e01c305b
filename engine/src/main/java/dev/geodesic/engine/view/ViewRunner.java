package dev.geodesic.engine.view;

import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.Identity;
import java.util.Optional;

/** Runs the functions of views, usually in a guest. */
public interface ViewRunner {

    /**
     * Runs a view.
     *
     * @param caller empty for anonymous views
     * @param reads the open transaction; takes notes, and can only be read
     */
    ViewResult run(ViewDef view, Optional<Identity> caller, Transaction reads);
}
