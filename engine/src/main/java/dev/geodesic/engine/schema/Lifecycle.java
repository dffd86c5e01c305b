package dev.geodesic.engine.schema;

/** The moments at which the host calls a reducer by itself (spec/module-def.md 5). The order is the order of the tags. */
public enum Lifecycle {
    INIT("Init"),
    ON_CONNECT("OnConnect"),
    ON_DISCONNECT("OnDisconnect");

    private final String text;

    Lifecycle(String text) {
        this.text = text;
    }

    /** Name of the variant, as schemas and messages show it. */
    public String text() {
        return text;
    }
}
