package dev.geodesic.engine.durability;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.table.RowPointers;
import dev.geodesic.engine.table.TableStore;
import dev.geodesic.engine.tx.TxData;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The record of one transaction in the log. Numbers are LEB128 varints.
 *
 * <pre>
 *   u8 version (2)
 *   u64 little-endian: when the transaction was committed, in microseconds since 1970; absent in version 1
 *   number of tables; per table, ascending by id:
 *     table id
 *     number of deleted rows;  per row: length, BSATN
 *     number of inserted rows; per row: length, BSATN
 * </pre>
 *
 * Results of views are left out. Rows are whole, so a record can be applied without the transaction before it being in any
 * particular store.
 */
public final class TxRecord {

    private static final int VERSION = 2;
    private static final int VERSION_WITHOUT_TIME = 1;
    /** At the beginning of a record: all that is needed to know its time. */
    static final int TIME_BYTES = 1 + Long.BYTES;

    private TxRecord() {
    }

    /** Receives the parts of a record in order. */
    public interface Visitor {

        /** The rows that follow belong to this table; false to step over them. */
        boolean table(int tableId);

        void delete(byte[] buffer, int offset, int length);

        void insert(byte[] buffer, int offset, int length);
    }

    /** Appends the record of a transaction that was committed at this time. */
    public static void write(TxData data, long commitMicros, BsatnWriter out) {
        out.writeU8(VERSION);
        out.writeU64(commitMicros);
        int logged = 0;
        for (TxData.TableChange change : data.changes()) {
            logged += change.table().schema().role().isView() ? 0 : 1;
        }
        writeVarint(out, logged);
        for (TxData.TableChange change : data.changes()) {
            if (change.table().schema().role().isView()) {
                continue;
            }
            writeVarint(out, change.table().id());
            writeRows(out, change.table().store(), change.deletes());
            writeRows(out, change.table().store(), change.inserts());
        }
    }

    private static void writeRows(BsatnWriter out, TableStore store, RowPointers rows) {
        writeVarint(out, rows.size());
        for (int i = 0; i < rows.size(); i++) {
            long row = rows.get(i);
            int length = store.length(row);
            writeVarint(out, length);
            out.ensure(length);
            MemorySegment.copy(store.segment(row), ValueLayout.JAVA_BYTE, store.offset(row), out.buffer(), out.length(), length);
            out.advance(length);
        }
    }

    /**
     * Reads a record whose checksum was right.
     *
     * @throws EngineException STORAGE_CORRUPT if it is no record all the same
     */
    public static void read(byte[] record, int offset, int length, Visitor visitor) {
        try {
            BsatnReader in = new BsatnReader(record, offset, length);
            readCommitMicros(in);
            int tables = readVarint(in);
            int last = 0;
            for (int t = 0; t < tables; t++) {
                int tableId = readVarint(in);
                if (tableId <= last) {
                    throw new EngineException(ErrorCode.STORAGE_CORRUPT, "tables of a transaction record do not rise");
                }
                last = tableId;
                boolean wanted = visitor.table(tableId);
                readRows(in, wanted, visitor, true);
                readRows(in, wanted, visitor, false);
            }
            if (in.remaining() > 0) {
                throw new EngineException(ErrorCode.STORAGE_CORRUPT, "bytes behind a transaction record");
            }
        } catch (BsatnException e) {
            throw new EngineException(ErrorCode.STORAGE_CORRUPT, "transaction record: " + e.getMessage());
        }
    }

    /**
     * When the transaction was committed, in microseconds since 1970; 0 if the record does not say.
     *
     * @throws EngineException STORAGE_CORRUPT if it is no record
     */
    public static long commitMicros(byte[] record, int offset, int length) {
        try {
            return readCommitMicros(new BsatnReader(record, offset, length));
        } catch (BsatnException e) {
            throw new EngineException(ErrorCode.STORAGE_CORRUPT, "transaction record: " + e.getMessage());
        }
    }

    /** The same for bytes that may be anything; there are {@link #TIME_BYTES}. */
    static long microsOrZero(byte[] record, int offset) {
        return record[offset] == VERSION ? LittleEndian.getLong(record, offset + 1) : 0;
    }

    /**
     * Whether the rows of a record belong to user tables only.
     *
     * @throws EngineException STORAGE_CORRUPT if it is no record
     */
    static boolean isOfUserTables(byte[] record, int offset, int length) {
        try {
            BsatnReader in = new BsatnReader(record, offset, length);
            readCommitMicros(in);
            // Ids rise.
            return readVarint(in) == 0 || readVarint(in) >= SystemTables.FIRST_USER_ID;
        } catch (BsatnException e) {
            throw new EngineException(ErrorCode.STORAGE_CORRUPT, "transaction record: " + e.getMessage());
        }
    }

    private static long readCommitMicros(BsatnReader in) {
        int version = in.readU8();
        return switch (version) {
            case VERSION -> in.readU64();
            case VERSION_WITHOUT_TIME -> 0;
            default -> throw new EngineException(
                    ErrorCode.STORAGE_CORRUPT, "transaction record of version " + version + "; a newer server wrote it");
        };
    }

    private static void readRows(BsatnReader in, boolean wanted, Visitor visitor, boolean deletes) {
        int rows = readVarint(in);
        for (int i = 0; i < rows; i++) {
            int length = readVarint(in);
            int at = in.position();
            in.skip(length);
            if (wanted && deletes) {
                visitor.delete(in.buffer(), at, length);
            } else if (wanted) {
                visitor.insert(in.buffer(), at, length);
            }
        }
    }

    private static void writeVarint(BsatnWriter out, int value) {
        int rest = value;
        while ((rest & ~0x7f) != 0) {
            out.writeU8(rest & 0x7f | 0x80);
            rest >>>= 7;
        }
        out.writeU8(rest);
    }

    private static int readVarint(BsatnReader in) {
        int value = 0;
        for (int shift = 0; shift < 35; shift += 7) {
            int b = in.readU8();
            value |= (b & 0x7f) << shift;
            if ((b & 0x80) == 0) {
                return value;
            }
        }
        throw new EngineException(ErrorCode.STORAGE_CORRUPT, "a number in a transaction record is too long");
    }
}
