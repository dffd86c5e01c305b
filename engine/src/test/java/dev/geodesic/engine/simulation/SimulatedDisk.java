package dev.geodesic.engine.simulation;

import dev.geodesic.engine.durability.Faults;
import dev.geodesic.engine.durability.FaultyDisk;
import dev.geodesic.engine.port.Disk;
import dev.geodesic.engine.port.Storage;
import dev.geodesic.engine.port.StorageFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link FaultyDisk} on which forces of the files of databases' logs can be held back. Thread-safe. */
final class SimulatedDisk implements Disk {

    private final FaultyDisk disk;
    private boolean held;
    private int waiting;

    SimulatedDisk(FaultyDisk disk) {
        this.disk = disk;
    }

    Faults faults() {
        return disk.faults();
    }

    long operations() {
        return disk.operations();
    }

    boolean isDead() {
        return disk.isDead();
    }

    /** From now on everything fails; what was done so far stays as it is. */
    void die() {
        disk.dieAt(0);
        release();
    }

    /** What is found after the process, or the power, has gone. */
    SimulatedDisk after(boolean powerLoss) {
        return new SimulatedDisk(powerLoss ? disk.powerLoss() : disk.restarted());
    }

    synchronized void hold() {
        held = true;
    }

    synchronized void release() {
        held = false;
        notifyAll();
    }

    /** Waits until somebody wants to force a file. */
    synchronized void awaitHeld() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (held && waiting == 0) {
            if (System.nanoTime() > end) {
                throw new AssertionError("nobody forces a file");
            }
            wait(100);
        }
    }

    private synchronized void pass() throws IOException {
        waiting++;
        notifyAll();
        try {
            while (held) {
                wait();
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        } finally {
            waiting--;
        }
    }

    @Override
    public Storage open(Path directory) throws IOException {
        Storage storage = disk.open(directory);
        return directory.toString().contains("databases") && directory.endsWith("log") ? new Gated(storage) : storage;
    }

    @Override
    public List<String> directories(Path directory) throws IOException {
        return disk.directories(directory);
    }

    @Override
    public void delete(Path directory) throws IOException {
        disk.delete(directory);
    }

    private final class Gated implements Storage {

        private final Storage storage;

        Gated(Storage storage) {
            this.storage = storage;
        }

        @Override
        public List<String> list() throws IOException {
            return storage.list();
        }

        @Override
        public StorageFile create(String name) throws IOException {
            return new GatedFile(storage.create(name));
        }

        @Override
        public StorageFile open(String name) throws IOException {
            return new GatedFile(storage.open(name));
        }

        @Override
        public void rename(String from, String to) throws IOException {
            storage.rename(from, to);
        }

        @Override
        public void delete(String name) throws IOException {
            storage.delete(name);
        }

        @Override
        public void force() throws IOException {
            storage.force();
        }

        @Override
        public void close() throws IOException {
            storage.close();
        }

        @Override
        public String toString() {
            return storage.toString();
        }
    }

    private final class GatedFile implements StorageFile {

        private final StorageFile file;

        GatedFile(StorageFile file) {
            this.file = file;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public int read(ByteBuffer target, long position) throws IOException {
            return file.read(target, position);
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            file.write(source, position);
        }

        @Override
        public void truncate(long size) throws IOException {
            file.truncate(size);
        }

        @Override
        public void force() throws IOException {
            pass();
            file.force();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
