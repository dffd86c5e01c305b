package dev.geodesic.engine.catalog;

import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.ConstraintSchema;
import dev.geodesic.engine.schema.IndexAlgorithm;
import dev.geodesic.engine.schema.IndexSchema;
import dev.geodesic.engine.schema.ScheduleSchema;
import dev.geodesic.engine.schema.SequenceSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableKind;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.LittleEndian;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.TypeCodec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.Consumer;

/** The rows of the catalogue as bytes, both ways. */
final class CatalogRows {

    private static final int ALGORITHM_BTREE = 1;
    private static final int ALGORITHM_DIRECT = 2;
    private static final int ALGORITHM_HASH = 3;
    private static final int CONSTRAINT_UNIQUE = 1;

    private CatalogRows() {
    }

    /** Receives an encoded row; the buffer is used again afterwards. */
    @FunctionalInterface
    interface RowSink {
        void row(int tableId, BsatnWriter row);
    }

    /**
     * All catalogue rows of one table, in the order of the tables' ids.
     *
     * @param accessors whether names in the module's source are recorded too
     * @param allocated end of each sequence's last block
     */
    static void writeTable(
            TableSchema table, boolean accessors, Function<SequenceSchema, BigInteger> allocated, RowSink sink) {
        BsatnWriter out = new BsatnWriter();
        out.writeU32(table.tableId());
        out.writeString(table.name());
        out.writeString(table.kind() == TableKind.SYSTEM ? "system" : "user");
        out.writeString(table.access() == TableAccess.PUBLIC ? "public" : "private");
        if (table.primaryKey().isPresent()) {
            out.writeU8(0);
            writeColumns(out, List.of(table.primaryKey().getAsInt()));
        } else {
            out.writeU8(1);
        }
        emit(sink, SystemTables.TABLE, out);
        for (ColumnSchema column : table.columns()) {
            out.writeU32(table.tableId());
            out.writeU16(column.position());
            out.writeString(column.name());
            BsatnWriter type = new BsatnWriter();
            TypeCodec.write(type, column.type());
            out.writeBytes(type.toByteArray());
            emit(sink, SystemTables.COLUMN, out);
        }
        for (SequenceSchema sequence : table.sequences()) {
            writeSequence(out, table.tableId(), sequence, allocated.apply(sequence));
            emit(sink, SystemTables.SEQUENCE, out);
        }
        for (IndexSchema index : table.indexes()) {
            out.writeU32(index.indexId());
            out.writeU32(table.tableId());
            out.writeString(index.name());
            switch (index.algorithm()) {
                case IndexAlgorithm.BTree b -> {
                    out.writeU8(ALGORITHM_BTREE);
                    writeColumns(out, b.columns());
                }
                case IndexAlgorithm.Direct d -> {
                    out.writeU8(ALGORITHM_DIRECT);
                    out.writeU16(d.column());
                }
                case IndexAlgorithm.Hash h -> {
                    out.writeU8(ALGORITHM_HASH);
                    writeColumns(out, h.columns());
                }
            }
            emit(sink, SystemTables.INDEX, out);
        }
        for (ConstraintSchema constraint : table.constraints()) {
            out.writeU32(constraint.constraintId());
            out.writeString(constraint.name());
            out.writeU32(table.tableId());
            out.writeU8(CONSTRAINT_UNIQUE);
            writeColumns(out, constraint.columns());
            emit(sink, SystemTables.CONSTRAINT, out);
        }
        table.schedule().ifPresent(s -> {
            out.writeU32(s.scheduleId());
            out.writeU32(table.tableId());
            out.writeString(s.function());
            out.writeString(s.name());
            out.writeU16(s.atColumn());
            emit(sink, SystemTables.SCHEDULED, out);
        });
        if (table.role() == TableRole.EVENT) {
            out.writeU32(table.tableId());
            emit(sink, SystemTables.EVENT_TABLE, out);
        }
        if (accessors) {
            writeAccessors(table, out, sink);
        }
    }

    private static void writeAccessors(TableSchema table, BsatnWriter out, RowSink sink) {
        out.writeString(table.name());
        out.writeString(table.accessor().orElse(table.name()));
        emit(sink, SystemTables.TABLE_ACCESSOR, out);
        if (table.role().isView()) {
            // No module knows the indexes and the first column.
            table.columns().stream().skip(1).forEach(c -> writeAccessor(table, c, out, sink));
            return;
        }
        for (IndexSchema index : table.indexes()) {
            out.writeString(index.name());
            out.writeString(index.sourceName().orElse(index.name()));
            emit(sink, SystemTables.INDEX_ACCESSOR, out);
        }
        table.columns().forEach(c -> writeAccessor(table, c, out, sink));
    }

    private static void writeAccessor(TableSchema table, ColumnSchema column, BsatnWriter out, RowSink sink) {
        out.writeString(table.name());
        out.writeString(column.name());
        out.writeString(column.accessor().orElse(column.name()));
        emit(sink, SystemTables.COLUMN_ACCESSOR, out);
    }

    /** The rows that describe a view, besides those of its table. */
    static void writeView(int viewId, ViewDef view, int tableId, RowSink sink) {
        BsatnWriter out = new BsatnWriter();
        out.writeU32(viewId);
        out.writeString(view.name());
        out.writeU8(0);
        out.writeU32(tableId);
        out.writeBool(view.isPublic());
        out.writeBool(view.isAnonymous());
        emit(sink, SystemTables.VIEW, out);
        for (ColumnSchema column : view.columns()) {
            writePart(viewId, column.position(), column.name(), column.type(), SystemTables.VIEW_COLUMN, out, sink);
        }
        for (int i = 0; i < view.params().elements().size(); i++) {
            ProductElement param = view.params().elements().get(i);
            writePart(viewId, i, param.name().orElse(""), param.type(), SystemTables.VIEW_PARAM, out, sink);
        }
    }

    private static void writePart(
            int viewId, int position, String name, AlgebraicType type, int tableId, BsatnWriter out, RowSink sink) {
        out.writeU32(viewId);
        out.writeU16(position);
        out.writeString(name);
        BsatnWriter bytes = new BsatnWriter();
        TypeCodec.write(bytes, type);
        out.writeBytes(bytes.toByteArray());
        emit(sink, tableId, out);
    }

    static void writeSequence(BsatnWriter out, int tableId, SequenceSchema sequence, BigInteger allocated) {
        out.writeU32(sequence.sequenceId());
        out.writeString(sequence.name());
        out.writeU32(tableId);
        out.writeU16(sequence.column());
        writeI128(out, sequence.increment());
        writeI128(out, sequence.start());
        writeI128(out, sequence.minValue());
        writeI128(out, sequence.maxValue());
        writeI128(out, allocated);
    }

    private static void emit(RowSink sink, int tableId, BsatnWriter out) {
        sink.row(tableId, out);
        out.clear();
    }

    private static void writeColumns(BsatnWriter out, List<Integer> columns) {
        out.writeU32(columns.size());
        columns.forEach(out::writeU16);
    }

    private static List<Integer> readColumns(BsatnReader in) {
        int count = in.readCount(2);
        List<Integer> columns = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            columns.add(in.readU16());
        }
        return columns;
    }

    private static void writeI128(BsatnWriter out, BigInteger v) {
        out.writeU128(v.longValue(), v.shiftRight(64).longValue());
    }

    private static BigInteger readI128(BsatnReader in) {
        byte[] bytes = in.readRaw(16);
        BigInteger low = new BigInteger(Long.toUnsignedString(LittleEndian.getLong(bytes, 0)));
        return BigInteger.valueOf(LittleEndian.getLong(bytes, 8)).shiftLeft(64).add(low);
    }

    static byte[] bytes(RowIterator row) {
        byte[] bytes = new byte[row.length()];
        MemorySegment.copy(row.segment(), ValueLayout.JAVA_BYTE, row.offset(), bytes, 0, bytes.length);
        return bytes;
    }

    private static void forEach(ReadView view, int tableId, Consumer<BsatnReader> action) {
        forEach(view, tableId, true, action);
    }

    /** @param builtIn rows that describe system tables, too, which are the same everywhere */
    private static void forEach(ReadView view, int tableId, boolean builtIn, Consumer<BsatnReader> action) {
        RowIterator rows = view.scan(tableId);
        while (rows.next()) {
            if (builtIn || !SystemTables.isBuiltIn(tableId, rows.segment(), rows.offset())) {
                action.accept(new BsatnReader(bytes(rows)));
            }
        }
    }

    /** A sequence with its table and the recorded end of its last block. */
    record SequenceRow(int tableId, SequenceSchema sequence, BigInteger allocated) {
    }

    static SequenceRow readSequence(BsatnReader in) {
        int id = in.readU32();
        String name = in.readString();
        int tableId = in.readU32();
        int column = in.readU16();
        BigInteger increment = readI128(in);
        BigInteger start = readI128(in);
        BigInteger min = readI128(in);
        BigInteger max = readI128(in);
        return new SequenceRow(tableId, new SequenceSchema(id, name, column, increment, start, min, max), readI128(in));
    }

    static List<SequenceRow> readSequences(ReadView view) {
        List<SequenceRow> rows = new ArrayList<>();
        forEach(view, SystemTables.SEQUENCE, in -> rows.add(readSequence(in)));
        return rows;
    }

    /**
     * The shapes of the tables that the catalogue describes, in no given order.
     *
     * @param builtIn system tables, too
     */
    static List<TableSchema> readTables(ReadView view, boolean builtIn) {
        CatalogParts parts = new CatalogParts();
        forEach(view, SystemTables.COLUMN, builtIn, in -> parts.column(
                in.readU32(), in.readU16(), in.readString(), TypeCodec.read(new BsatnReader(in.readBytes()))));
        forEach(view, SystemTables.SEQUENCE, builtIn, in -> {
            SequenceRow row = readSequence(in);
            parts.sequence(row.tableId(), row.sequence());
        });
        forEach(view, SystemTables.INDEX, builtIn, in -> {
            int id = in.readU32();
            int tableId = in.readU32();
            String name = in.readString();
            IndexAlgorithm algorithm = switch (in.readU8()) {
                case ALGORITHM_BTREE -> new IndexAlgorithm.BTree(readColumns(in));
                case ALGORITHM_DIRECT -> new IndexAlgorithm.Direct(in.readU16());
                default -> new IndexAlgorithm.Hash(readColumns(in));
            };
            parts.index(tableId, id, name, algorithm);
        });
        forEach(view, SystemTables.CONSTRAINT, builtIn, in -> {
            int id = in.readU32();
            String name = in.readString();
            int tableId = in.readU32();
            in.readU8();
            parts.constraint(tableId, new ConstraintSchema(id, name, readColumns(in)));
        });
        forEach(view, SystemTables.SCHEDULED, builtIn, in -> {
            int id = in.readU32();
            int tableId = in.readU32();
            String function = in.readString();
            String name = in.readString();
            parts.schedule(tableId, new ScheduleSchema(id, name, in.readU16(), function));
        });
        forEach(view, SystemTables.EVENT_TABLE, builtIn, in -> parts.role(in.readU32(), TableRole.EVENT));
        forEach(view, SystemTables.VIEW, builtIn, in -> {
            in.readU32();
            in.readString();
            if (in.readU8() == 0) {
                int tableId = in.readU32();
                in.readBool();
                parts.role(tableId, in.readBool() ? TableRole.ANONYMOUS_VIEW : TableRole.VIEW);
            }
        });
        forEach(view, SystemTables.TABLE_ACCESSOR, builtIn, in -> parts.tableAccessor(in.readString(), in.readString()));
        forEach(view, SystemTables.INDEX_ACCESSOR, builtIn, in -> parts.indexAccessor(in.readString(), in.readString()));
        forEach(view, SystemTables.COLUMN_ACCESSOR, builtIn,
                in -> parts.columnAccessor(in.readString(), in.readString(), in.readString()));
        List<TableSchema> tables = new ArrayList<>();
        forEach(view, SystemTables.TABLE, builtIn, in -> {
            int id = in.readU32();
            String name = in.readString();
            TableKind kind = in.readString().equals("system") ? TableKind.SYSTEM : TableKind.USER;
            TableAccess access = in.readString().equals("public") ? TableAccess.PUBLIC : TableAccess.PRIVATE;
            OptionalInt key = OptionalInt.empty();
            if (in.readU8() == 0) {
                key = OptionalInt.of(readColumns(in).getFirst());
            }
            tables.add(parts.table(id, name, kind, access, key));
        });
        return tables;
    }

    static Optional<String> unlessEqual(String accessor, String name) {
        return Optional.ofNullable(accessor).filter(a -> !a.equals(name));
    }
}
