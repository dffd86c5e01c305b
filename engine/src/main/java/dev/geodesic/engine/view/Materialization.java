package dev.geodesic.engine.view;

/** One view for one caller: who wants its rows, and what they depend on. */
final class Materialization {

    private final ViewKey key;
    private ReadSet reads;
    private int subscribers;
    private long lastUsedMicros;

    Materialization(ViewKey key, ReadSet reads, long nowMicros) {
        this.key = key;
        this.reads = reads;
        this.lastUsedMicros = nowMicros;
    }

    ViewKey key() {
        return key;
    }

    ReadSet reads() {
        return reads;
    }

    void setReads(ReadSet newReads) {
        reads = newReads;
    }

    int subscribers() {
        return subscribers;
    }

    void addSubscribers(int more) {
        subscribers += more;
    }

    long lastUsedMicros() {
        return lastUsedMicros;
    }

    void used(long nowMicros) {
        lastUsedMicros = nowMicros;
    }
}
