package dev.geodesic.engine.backup;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.port.StorageFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** Files of the storage port as streams. Their own errors are STORAGE_FAILED, so that they are told from those of a peer. */
final class StorageStreams {

    static final int BUFFER_BYTES = 256 << 10;

    private StorageStreams() {
    }

    /** Closes the file with it. */
    static InputStream in(String name, StorageFile file) {
        return new InputStream() {
            private long at;

            @Override
            public int read() {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] target, int offset, int length) {
                try {
                    int read = length == 0 ? 0 : file.read(ByteBuffer.wrap(target, offset, length), at);
                    at += Math.max(0, read);
                    return read;
                } catch (IOException e) {
                    throw failed(name, e);
                }
            }

            @Override
            public void close() {
                try {
                    file.close();
                } catch (IOException e) {
                    throw failed(name, e);
                }
            }
        };
    }

    /** Leaves the file open. */
    static OutputStream out(String name, StorageFile file) {
        return new OutputStream() {
            private long at;

            @Override
            public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] source, int offset, int length) {
                try {
                    file.write(ByteBuffer.wrap(source, offset, length), at);
                    at += length;
                } catch (IOException e) {
                    throw failed(name, e);
                }
            }
        };
    }

    static EngineException failed(String name, IOException e) {
        return new EngineException(ErrorCode.STORAGE_FAILED, name + " cannot be read or written: " + e, e);
    }
}
