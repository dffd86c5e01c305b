package dev.geodesic.engine.schema;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.util.Collection;
import java.util.TreeSet;

/** Collects what is wrong with a definition, so that its author sees everything at once (spec/module-def.md 6). */
final class ValidationErrors {

    /** A definition with more errors than this is not read to its end. */
    static final int ERRORS_MAX = 100;

    private final TreeSet<String> errors = new TreeSet<>();

    /** Adds an error; the one that is too many throws them all. */
    void add(String error) {
        errors.add(error);
        if (errors.size() >= ERRORS_MAX) {
            throwIfAny();
        }
    }

    int count() {
        return errors.size();
    }

    /** Reports if {@code name} is no identifier. */
    void checkIdentifier(String name) {
        Identifiers.problem(name).ifPresent(p -> add("module contains invalid identifier: " + p));
    }

    void throwIfAny() {
        if (!errors.isEmpty()) {
            throw new EngineException(ErrorCode.INVALID_MODULE_DEF, text(errors));
        }
    }

    /** The form in which a publisher reads several errors. */
    static String text(Collection<String> errors) {
        StringBuilder text = new StringBuilder("Errors occurred:\n");
        errors.forEach(e -> text.append(e).append("\n\n"));
        return text.toString();
    }
}
