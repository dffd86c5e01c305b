package dev.geodesic.engine.durability;

import dev.geodesic.engine.durability.Faults.Fault;
import dev.geodesic.engine.durability.Faults.Kind;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongPredicate;

/**
 * A directory in memory that is as bad as a real one may be. {@link #powerLoss} forgets what was not forced, names included,
 * or keeps any part of it, sector by sector, with zeros or old blocks between; a rename is kept whole or not at all. A force
 * that fails leaves what it should have written readable, but later forces do not write it either. {@link #failWhen} makes
 * chosen operations fail, {@link #dieWhen} makes one fail half-way together with all that follow, {@link #faults} does more.
 * Thread-safe.
 */
public final class FaultyStorage implements Storage {

    private static final int SECTOR = 512;

    /** A write, or a cut where there are no bytes. */
    private record Pending(long position, byte[] bytes) {
    }

    private static final class Inode {
        private byte[] content = new byte[0];
        private byte[] durable = new byte[0];
        private final List<Pending> pending = new ArrayList<>();
    }

    /** A change of names that is not forced: {@code from} loses the file, {@code to} gets it; either may be null. */
    private record Renamed(String from, String to, Inode inode) {

        void apply(Map<String, Inode> names) {
            if (from != null && names.get(from) == inode) {
                names.remove(from);
            }
            if (to != null) {
                names.put(to, inode);
            }
        }
    }

    private final Faults faults;
    private final String directory;
    private final Map<String, Inode> names = new TreeMap<>();
    private final Map<String, Inode> durableNames = new TreeMap<>();
    private final List<Renamed> renamed = new ArrayList<>();
    private int writes;
    private int forces;

    public FaultyStorage(Random random) {
        this(new Faults(random), "memory");
    }

    FaultyStorage(Faults faults, String directory) {
        this.faults = faults;
        this.directory = directory;
    }

    // ---- what tests do to it ----

    /** Operations that change something or force it are counted from 0. */
    public void failWhen(LongPredicate operation) {
        faults.failWhen(operation);
    }

    /** The first operation from a number on fails that is not about the mark of a log's end, which is allowed to. */
    void failOnceFrom(long number) {
        boolean[] marking = new boolean[1];
        boolean[] done = new boolean[1];
        faults.plan(op -> {
            boolean ofMark = op.name().endsWith(LogFormat.END_SUFFIX);
            boolean harmless = ofMark || marking[0] && op.kind() == Kind.FORCE_NAMES;
            marking[0] = ofMark && op.kind() == Kind.CREATE;
            if (done[0] || harmless || op.number() < number) {
                return Fault.NONE;
            }
            done[0] = true;
            return Fault.FAIL;
        });
    }

    public void dieWhen(LongPredicate operation) {
        faults.dieWhen(operation);
    }

    /** More ways to fail. */
    public Faults faults() {
        return faults;
    }

    long operations() {
        return faults.operations();
    }

    int writes() {
        synchronized (faults) {
            return writes;
        }
    }

    int forces() {
        synchronized (faults) {
            return forces;
        }
    }

    /** Forces of files wait until {@link #release}. */
    public void hold() {
        faults.hold();
    }

    public void release() {
        faults.release();
    }

    /** The process is gone, the machine lives: every completed operation is visible. */
    public FaultyStorage restarted() {
        return restarted(new Faults(faults.random));
    }

    FaultyStorage restarted(Faults nextFaults) {
        synchronized (faults) {
            FaultyStorage next = new FaultyStorage(nextFaults, directory);
            Map<Inode, Inode> copies = new IdentityHashMap<>();
            names.forEach((name, inode) -> next.names.put(name, copies.computeIfAbsent(inode, FaultyStorage::copy)));
            durableNames.forEach((name, inode) ->
                    next.durableNames.put(name, copies.computeIfAbsent(inode, FaultyStorage::copy)));
            renamed.forEach(r -> next.renamed.add(
                    new Renamed(r.from(), r.to(), copies.computeIfAbsent(r.inode(), FaultyStorage::copy))));
            return next;
        }
    }

    private static Inode copy(Inode inode) {
        Inode copy = new Inode();
        copy.content = inode.content.clone();
        copy.durable = inode.durable.clone();
        copy.pending.addAll(inode.pending);
        return copy;
    }

    FaultyStorage without(String name) throws IOException {
        delete(name);
        return this;
    }

    /** What a machine finds after a power loss. */
    public FaultyStorage powerLoss() {
        return powerLoss(new Faults(faults.random));
    }

    FaultyStorage powerLoss(Faults nextFaults) {
        synchronized (faults) {
            FaultyStorage next = new FaultyStorage(nextFaults, directory);
            Map<String, Inode> left = new TreeMap<>(durableNames);
            // All of it, none, a beginning, or any of it.
            int kept = faults.random.nextInt(renamed.size() + 1);
            switch (faults.random.nextInt(4)) {
                case 0 -> { }
                case 1 -> renamed.forEach(r -> r.apply(left));
                case 2 -> renamed.subList(0, kept).forEach(r -> r.apply(left));
                default -> renamed.stream().filter(r -> faults.random.nextBoolean()).forEach(r -> r.apply(left));
            }
            Map<Inode, Inode> copies = new IdentityHashMap<>();
            left.forEach((name, inode) -> next.names.put(name, copies.computeIfAbsent(inode, this::survivor)));
            next.durableNames.putAll(next.names);
            return next;
        }
    }

    private Inode survivor(Inode inode) {
        Inode copy = new Inode();
        copy.durable = torn(inode);
        copy.content = copy.durable.clone();
        return copy;
    }

    private byte[] torn(Inode inode) {
        Random random = faults.random;
        byte[] bytes = inode.durable;
        double kept = switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> 1;
            default -> random.nextDouble();
        };
        boolean oldBlocks = random.nextBoolean();
        for (Pending p : inode.pending) {
            if (p.bytes() == null) {
                bytes = random.nextDouble() < kept ? Arrays.copyOf(bytes, (int) p.position()) : bytes;
                continue;
            }
            int end = (int) p.position() + p.bytes().length;
            if (end > bytes.length && kept > 0) {
                int from = bytes.length;
                bytes = Arrays.copyOf(bytes, kept == 1 ? end : from + random.nextInt(end - from + 1));
                for (int i = from; i < bytes.length && oldBlocks && inode.durable.length > 0; i++) {
                    bytes[i] = inode.durable[i % inode.durable.length];
                }
            } else {
                bytes = bytes.clone();
            }
            for (int at = (int) p.position(); at < end; ) {
                int next = Math.min(end, (at / SECTOR + 1) * SECTOR);
                int until = Math.min(next, bytes.length);
                if (until > at && random.nextDouble() < kept) {
                    System.arraycopy(p.bytes(), at - (int) p.position(), bytes, at, until - at);
                }
                at = next;
            }
        }
        return bytes;
    }

    /** Flips a bit of every file that is so long. */
    public FaultyStorage damage(int position) {
        synchronized (faults) {
            names.values().stream().filter(inode -> inode.content.length > position)
                    .forEach(inode -> inode.content[position] ^= 4);
            return this;
        }
    }

    byte[] content(String name) {
        synchronized (faults) {
            return names.get(name).content.clone();
        }
    }

    /** Puts a durable file there. */
    FaultyStorage put(String name, byte[] content) {
        synchronized (faults) {
            Inode inode = new Inode();
            inode.content = content.clone();
            inode.durable = content.clone();
            names.put(name, inode);
            durableNames.put(name, inode);
            return this;
        }
    }

    // ---- Storage ----

    private boolean change(Fault fault, Renamed change) {
        if (fault == Fault.NONE || fault != Fault.LIE && faults.random.nextBoolean()) {
            change.apply(names);
            renamed.add(change);
        }
        return fault == Fault.NONE;
    }

    @Override
    public List<String> list() {
        synchronized (faults) {
            return List.copyOf(names.keySet());
        }
    }

    @Override
    public StorageFile create(String name) throws IOException {
        synchronized (faults) {
            Fault fault = faults.begin(Kind.CREATE, name);
            if (names.containsKey(name)) {
                throw new IOException(name + " exists");
            }
            Inode inode = new Inode();
            change(fault, new Renamed(null, name, inode));
            Faults.end(fault);
            return new MemoryFile(name, inode);
        }
    }

    @Override
    public StorageFile open(String name) throws IOException {
        synchronized (faults) {
            return new MemoryFile(name, find(name));
        }
    }

    private Inode find(String name) throws IOException {
        Inode inode = names.get(name);
        if (inode == null) {
            throw new FileNotFoundException(name);
        }
        return inode;
    }

    @Override
    public void rename(String from, String to) throws IOException {
        synchronized (faults) {
            Fault fault = faults.begin(Kind.RENAME, from);
            change(fault, new Renamed(from, to, find(from)));
            Faults.end(fault);
        }
    }

    @Override
    public void delete(String name) throws IOException {
        synchronized (faults) {
            Fault fault = faults.begin(Kind.DELETE, name);
            Inode inode = find(name);
            if (change(fault, new Renamed(name, null, inode))) {
                faults.free(inode.content.length);
            }
            Faults.end(fault);
        }
    }

    @Override
    public void force() throws IOException {
        synchronized (faults) {
            Fault fault = faults.begin(Kind.FORCE_NAMES, directory);
            if (fault == Fault.NONE || fault != Fault.LIE && faults.random.nextBoolean()) {
                durableNames.clear();
                durableNames.putAll(names);
                renamed.clear();
            }
            Faults.end(fault);
        }
    }

    @Override
    public void close() {
    }

    @Override
    public String toString() {
        return directory;
    }

    private final class MemoryFile implements StorageFile {

        private final String name;
        private final Inode inode;

        MemoryFile(String name, Inode inode) {
            this.name = name;
            this.inode = inode;
        }

        @Override
        public long size() {
            synchronized (faults) {
                return inode.content.length;
            }
        }

        @Override
        public int read(ByteBuffer target, long position) {
            synchronized (faults) {
                if (position >= inode.content.length) {
                    return -1;
                }
                // Short reads are allowed.
                int length = 1 + faults.random.nextInt(Math.min(target.remaining(), inode.content.length - (int) position));
                target.put(inode.content, (int) position, length);
                return length;
            }
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            synchronized (faults) {
                Fault fault = faults.begin(Kind.WRITE, name);
                writes++;
                int wanted = source.remaining();
                int growth = Math.clamp(position + wanted - inode.content.length, 0, Integer.MAX_VALUE);
                int length = wanted - growth + faults.take(growth);
                boolean full = length < wanted;
                if (fault == Fault.LIE) {
                    length = 0;
                } else if (fault != Fault.NONE) {
                    length = faults.random.nextInt(length + 1);
                }
                byte[] bytes = new byte[length];
                source.get(bytes);
                source.position(source.limit());
                int end = (int) position + bytes.length;
                inode.content = end > inode.content.length ? Arrays.copyOf(inode.content, end) : inode.content.clone();
                System.arraycopy(bytes, 0, inode.content, (int) position, bytes.length);
                inode.pending.add(new Pending(position, bytes));
                Faults.end(fault);
                if (full) {
                    throw Faults.full(name);
                }
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (faults) {
                Fault fault = faults.begin(Kind.TRUNCATE, name);
                if (fault == Fault.NONE) {
                    faults.free(inode.content.length - size);
                    inode.content = Arrays.copyOf(inode.content, (int) size);
                    inode.pending.add(new Pending(size, null));
                }
                Faults.end(fault);
            }
        }

        @Override
        public void force() throws IOException {
            faults.awaitRelease();
            synchronized (faults) {
                Fault fault = faults.begin(Kind.FORCE, name);
                forces++;
                if (fault == Fault.NONE) {
                    for (Pending p : inode.pending) {
                        int end = (int) p.position() + (p.bytes() == null ? 0 : p.bytes().length);
                        if (p.bytes() == null || end > inode.durable.length) {
                            inode.durable = Arrays.copyOf(inode.durable, end);
                        }
                        if (p.bytes() != null) {
                            System.arraycopy(p.bytes(), 0, inode.durable, (int) p.position(), p.bytes().length);
                        }
                    }
                    inode.pending.clear();
                } else if (fault != Fault.LIE) {
                    inode.durable = torn(inode);
                    if (fault == Fault.FAIL) {
                        inode.pending.clear();
                    }
                }
                Faults.end(fault);
            }
        }

        @Override
        public void close() {
        }
    }
}
