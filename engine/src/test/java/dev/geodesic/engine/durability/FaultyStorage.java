package dev.geodesic.engine.durability;

import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongPredicate;

/**
 * A directory in memory that is as bad as a real one may be. {@link #powerLoss} forgets what was not forced, names included,
 * or keeps any part of it, sector by sector, with zeros or old blocks between. A force that fails leaves what it should have
 * written readable, but later forces do not write it either. {@link #failWhen} makes chosen operations fail, and {@link #dieWhen}
 * makes one fail half-way together with all that follow.
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

    private final Random random;
    private final Map<String, Inode> names = new TreeMap<>();
    private final Map<String, Inode> durableNames = new TreeMap<>();
    private LongPredicate failWhen = n -> false;
    private LongPredicate dieWhen = n -> false;
    private boolean dead;
    private boolean held;
    private long operations;
    private int writes;
    private int forces;

    public FaultyStorage(Random random) {
        this.random = random;
    }

    // ---- what tests do to it ----

    /** Operations that change something or force it are counted from 0. */
    public synchronized void failWhen(LongPredicate operation) {
        failWhen = operation;
    }

    public synchronized void dieWhen(LongPredicate operation) {
        dieWhen = operation;
    }

    synchronized long operations() {
        return operations;
    }

    synchronized int writes() {
        return writes;
    }

    synchronized int forces() {
        return forces;
    }

    /** Forces of files wait until {@link #release}. */
    public synchronized void hold() {
        held = true;
    }

    public synchronized void release() {
        held = false;
        notifyAll();
    }

    /** The process is gone, the machine lives: every completed operation is visible. */
    public synchronized FaultyStorage restarted() {
        FaultyStorage next = new FaultyStorage(random);
        names.forEach((name, inode) -> next.names.put(name, copy(inode)));
        // A file that has lost its name in one of the views only is a file of its own there; nobody can tell.
        durableNames.forEach((name, inode) ->
                next.durableNames.put(name, names.get(name) == inode ? next.names.get(name) : copy(inode)));
        return next;
    }

    private static Inode copy(Inode inode) {
        Inode copy = new Inode();
        copy.content = inode.content.clone();
        copy.durable = inode.durable.clone();
        copy.pending.addAll(inode.pending);
        return copy;
    }

    /** What a machine finds after a power loss. */
    public synchronized FaultyStorage powerLoss() {
        FaultyStorage next = new FaultyStorage(random);
        boolean keepNames = random.nextBoolean();
        names.forEach((name, inode) -> {
            if (durableNames.get(name) == inode || keepNames && random.nextBoolean()) {
                next.survive(name, inode);
            }
        });
        durableNames.forEach((name, inode) -> {
            if (!names.containsKey(name) && random.nextBoolean()) {
                next.survive(name, inode);
            }
        });
        next.durableNames.putAll(next.names);
        return next;
    }

    private void survive(String name, Inode inode) {
        Inode copy = new Inode();
        copy.durable = torn(inode);
        copy.content = copy.durable.clone();
        names.put(name, copy);
    }

    private byte[] torn(Inode inode) {
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

    /** Flips a bit of every file. */
    public synchronized FaultyStorage damage(int position) {
        names.values().forEach(inode -> inode.content[position] ^= 4);
        return this;
    }

    synchronized byte[] content(String name) {
        return names.get(name).content.clone();
    }

    /** Puts a durable file there. */
    synchronized FaultyStorage put(String name, byte[] content) {
        Inode inode = new Inode();
        inode.content = content.clone();
        inode.durable = content.clone();
        names.put(name, inode);
        durableNames.put(name, inode);
        return this;
    }

    // ---- Storage ----

    /** Whether the operation is to be done in part, before {@link #endFault} throws. */
    private boolean beginFault() throws IOException {
        if (dead) {
            throw new IOException("the power is off");
        }
        long n = operations++;
        dead = dieWhen.test(n);
        return dead || failWhen.test(n);
    }

    private static void endFault(boolean fault) throws IOException {
        if (fault) {
            throw new IOException("injected fault");
        }
    }

    @Override
    public synchronized List<String> list() {
        return List.copyOf(names.keySet());
    }

    @Override
    public synchronized StorageFile create(String name) throws IOException {
        boolean fault = beginFault();
        if (names.containsKey(name)) {
            throw new IOException(name + " exists");
        }
        Inode inode = new Inode();
        if (!fault || random.nextBoolean()) {
            names.put(name, inode);
        }
        endFault(fault);
        return new MemoryFile(inode);
    }

    @Override
    public synchronized StorageFile open(String name) throws IOException {
        Inode inode = names.get(name);
        if (inode == null) {
            throw new FileNotFoundException(name);
        }
        return new MemoryFile(inode);
    }

    @Override
    public synchronized void rename(String from, String to) throws IOException {
        boolean fault = beginFault();
        if (!fault) {
            names.put(to, names.remove(from));
        }
        endFault(fault);
    }

    @Override
    public synchronized void delete(String name) throws IOException {
        boolean fault = beginFault();
        if (!fault || random.nextBoolean()) {
            names.remove(name);
        }
        endFault(fault);
    }

    @Override
    public synchronized void force() throws IOException {
        boolean fault = beginFault();
        if (!fault || random.nextBoolean()) {
            durableNames.clear();
            durableNames.putAll(names);
        }
        endFault(fault);
    }

    @Override
    public void close() {
    }

    @Override
    public String toString() {
        return "memory";
    }

    private final class MemoryFile implements StorageFile {

        private final Inode inode;

        MemoryFile(Inode inode) {
            this.inode = inode;
        }

        @Override
        public long size() {
            synchronized (FaultyStorage.this) {
                return inode.content.length;
            }
        }

        @Override
        public int read(ByteBuffer target, long position) {
            synchronized (FaultyStorage.this) {
                if (position >= inode.content.length) {
                    return -1;
                }
                // Short reads are allowed.
                int length = 1 + random.nextInt(Math.min(target.remaining(), inode.content.length - (int) position));
                target.put(inode.content, (int) position, length);
                return length;
            }
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            synchronized (FaultyStorage.this) {
                boolean fault = beginFault();
                writes++;
                byte[] bytes = new byte[fault ? random.nextInt(source.remaining() + 1) : source.remaining()];
                source.get(bytes);
                int end = (int) position + bytes.length;
                inode.content = end > inode.content.length ? Arrays.copyOf(inode.content, end) : inode.content.clone();
                System.arraycopy(bytes, 0, inode.content, (int) position, bytes.length);
                inode.pending.add(new Pending(position, bytes));
                endFault(fault);
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (FaultyStorage.this) {
                boolean fault = beginFault();
                if (!fault) {
                    inode.content = Arrays.copyOf(inode.content, (int) size);
                    inode.pending.add(new Pending(size, null));
                }
                endFault(fault);
            }
        }

        @Override
        public void force() throws IOException {
            synchronized (FaultyStorage.this) {
                while (held) {
                    try {
                        FaultyStorage.this.wait();
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                }
                boolean fault = beginFault();
                forces++;
                if (fault) {
                    inode.durable = torn(inode);
                    if (!dead) {
                        inode.pending.clear();
                    }
                } else {
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
                }
                endFault(fault);
            }
        }

        @Override
        public void close() {
        }
    }
}
