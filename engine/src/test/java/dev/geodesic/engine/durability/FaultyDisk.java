package dev.geodesic.engine.durability;

import dev.geodesic.engine.durability.Faults.Fault;
import dev.geodesic.engine.durability.Faults.Kind;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.Storage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A tree of {@link FaultyStorage}s below a root: also directories that were made or deleted may be forgotten, or come back, at
 * a power loss. All of it shares one count of operations and one plan of faults. Thread-safe.
 */
public final class FaultyDisk implements Disk {

    private final Faults faults;
    private final Path root;
    private final Map<Path, FaultyStorage> storages = new TreeMap<>();
    /** What survives a power loss for certain, if the parent does. */
    private final Set<Path> durable = new TreeSet<>();
    /** Deleted, and perhaps there again after a power loss. */
    private final Map<Path, FaultyStorage> deleted = new TreeMap<>();

    /** @param root exists, and survives everything */
    public FaultyDisk(Random random, Path root) {
        this(new Faults(random), root);
        storages.put(root, new FaultyStorage(faults, root.toString()));
        durable.add(root);
    }

    private FaultyDisk(Faults faults, Path root) {
        this.faults = faults;
        this.root = root;
    }

    // ---- what tests do to it ----

    public Faults faults() {
        return faults;
    }

    public long operations() {
        return faults.operations();
    }

    /** The operation with this number fails half-way, and so does everything after it. */
    public void dieAt(long operation) {
        faults.dieWhen(n -> n >= operation);
    }

    public boolean isDead() {
        return faults.dead();
    }

    /** The process is gone, the machine lives. */
    public FaultyDisk restarted() {
        synchronized (faults) {
            FaultyDisk next = new FaultyDisk(new Faults(faults.random), root);
            storages.forEach((path, storage) -> next.storages.put(path, storage.restarted(next.faults)));
            deleted.forEach((path, storage) -> next.deleted.put(path, storage.restarted(next.faults)));
            next.durable.addAll(durable);
            return next;
        }
    }

    /** What a machine finds after a power loss. */
    public FaultyDisk powerLoss() {
        synchronized (faults) {
            FaultyDisk next = new FaultyDisk(new Faults(faults.random), root);
            double kept = faults.random.nextInt(3) / 2.0;
            Map<Path, FaultyStorage> all = new TreeMap<>(deleted);
            all.putAll(storages);
            // Parents come before children.
            all.forEach((path, storage) -> {
                boolean certain = durable.contains(path) && !deleted.containsKey(path);
                if ((path.equals(root) || next.storages.containsKey(path.getParent()))
                        && (certain || faults.random.nextDouble() < kept)) {
                    next.storages.put(path, storage.powerLoss(next.faults));
                    next.durable.add(path);
                }
            });
            return next;
        }
    }

    /** Every file there is. */
    public List<Path> files() {
        synchronized (faults) {
            List<Path> files = new ArrayList<>();
            storages.forEach((path, storage) -> storage.list().forEach(name -> files.add(path.resolve(name))));
            return files;
        }
    }

    public byte[] content(Path file) {
        synchronized (faults) {
            return storages.get(file.getParent()).content(file.getFileName().toString());
        }
    }

    // ---- Disk ----

    @Override
    public Storage open(Path directory) throws IOException {
        synchronized (faults) {
            if (!directory.startsWith(root)) {
                throw new FileNotFoundException(directory + " is not on this disk");
            }
            List<Path> missing = new ArrayList<>();
            boolean forced = true;
            for (Path path = directory; !path.equals(root); path = path.getParent()) {
                if (!storages.containsKey(path)) {
                    missing.addFirst(path);
                }
                forced &= durable.contains(path);
            }
            for (Path path : missing) {
                Fault fault = faults.begin(Kind.MAKE_DIRECTORY, path.toString());
                if (fault == Fault.NONE || faults.random.nextBoolean()) {
                    durable.remove(path);
                    deleted.remove(path);
                    storages.put(path, new FaultyStorage(faults, path.toString()));
                }
                Faults.end(fault);
            }
            if (!forced || !missing.isEmpty()) {
                Fault fault = faults.begin(Kind.FORCE_NAMES, directory.toString());
                for (Path path = directory; fault == Fault.NONE && !path.equals(root); path = path.getParent()) {
                    durable.add(path);
                }
                Faults.end(fault);
            }
            return storages.get(directory);
        }
    }

    @Override
    public List<String> directories(Path directory) {
        synchronized (faults) {
            return storages.keySet().stream().filter(path -> directory.equals(path.getParent()) && !path.equals(root))
                    .map(path -> path.getFileName().toString()).toList();
        }
    }

    @Override
    public void delete(Path directory) throws IOException {
        synchronized (faults) {
            List<Path> all = new ArrayList<>(storages.keySet().stream().filter(path -> path.startsWith(directory)).toList());
            for (Path path : all.reversed()) {
                FaultyStorage storage = storages.get(path);
                for (String name : storage.list()) {
                    storage.delete(name);
                }
                Fault fault = faults.begin(Kind.DELETE_DIRECTORY, path.toString());
                if (fault == Fault.NONE || faults.random.nextBoolean()) {
                    storages.remove(path);
                    if (durable.contains(path)) {
                        deleted.put(path, storage);
                    }
                }
                Faults.end(fault);
            }
        }
    }

    @Override
    public String toString() {
        return "faulty " + root;
    }
}
