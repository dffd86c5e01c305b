package dev.geodesic.engine.host.runtime;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Imports and exports of a program, read from its binary form (WebAssembly core specification 5.5). Only the sections that
 * name them are read; the runtime validates the rest. Every read is checked against the end of its section.
 */
public record WasmBinary(List<Import> imports, List<Export> exports) {

    /** What is imported or exported. */
    public enum Kind {
        FUNCTION,
        TABLE,
        MEMORY,
        GLOBAL
    }

    /** An import; {@code type} is there for functions. */
    public record Import(String module, String name, Kind kind, Optional<FunctionType> type) {
    }

    /** An export; {@code type} is there for functions. */
    public record Export(String name, Kind kind, Optional<FunctionType> type) {
    }

    private static final int MAGIC = 0x6d736100;
    private static final int VERSION = 1;
    private static final int SECTION_TYPE = 1;
    private static final int SECTION_IMPORT = 2;
    private static final int SECTION_FUNCTION = 3;
    private static final int SECTION_EXPORT = 7;
    private static final int FUNCTION_FORM = 0x60;
    /* Far above what compilers emit; they bound what a hostile file can make us allocate. */
    private static final int FUNCTIONS_MAX = 1_000_000;
    private static final int ENTRIES_MAX = 100_000;
    private static final int VALUES_MAX = 1_000;

    public WasmBinary {
        imports = List.copyOf(imports);
        exports = List.copyOf(exports);
    }

    public Optional<Export> export(String name) {
        return exports.stream().filter(e -> e.name().equals(name)).findFirst();
    }

    /**
     * Reads a program.
     *
     * @throws EngineException INVALID_MODULE
     */
    public static WasmBinary parse(byte[] wasm) {
        return new Parser(wasm).parse();
    }

    private static EngineException invalid(String what) {
        return new EngineException(ErrorCode.INVALID_MODULE, "not a WebAssembly module: " + what);
    }

    private static final class Parser {

        private final byte[] wasm;
        private int position;
        private int limit;
        private final List<FunctionType> types = new ArrayList<>();
        /** Type index of every function, imported ones first. */
        private final List<Integer> functions = new ArrayList<>();
        private final List<Import> imports = new ArrayList<>();
        private final List<Export> exports = new ArrayList<>();

        Parser(byte[] wasm) {
            this.wasm = wasm;
            this.limit = wasm.length;
        }

        WasmBinary parse() {
            if (wasm.length < 8 || fixedU32() != MAGIC) {
                throw invalid("it does not start with the magic number");
            }
            if (fixedU32() != VERSION) {
                throw invalid("it is a component or of an unknown version");
            }
            while (position < wasm.length) {
                int id = u8();
                int size = u32();
                if (size > wasm.length - position) {
                    throw invalid("a section is longer than the file");
                }
                limit = position + size;
                section(id);
                position = limit;
                limit = wasm.length;
            }
            return new WasmBinary(imports, exports);
        }

        private void section(int id) {
            if (id != SECTION_TYPE && id != SECTION_IMPORT && id != SECTION_FUNCTION && id != SECTION_EXPORT) {
                return;
            }
            int count = count(id == SECTION_FUNCTION ? FUNCTIONS_MAX : ENTRIES_MAX);
            for (int i = 0; i < count; i++) {
                switch (id) {
                    case SECTION_TYPE -> types.add(functionType());
                    case SECTION_IMPORT -> imports.add(importEntry());
                    case SECTION_FUNCTION -> functions.add(u32());
                    default -> exports.add(exportEntry());
                }
            }
        }

        private int count(int max) {
            int count = u32();
            if (count > max) {
                throw invalid("more than " + max + " entries in a list");
            }
            return count;
        }

        private FunctionType functionType() {
            int form = u8();
            if (form != FUNCTION_FORM) {
                throw invalid("a type of form 0x" + Integer.toHexString(form) + ", which is not supported");
            }
            return new FunctionType(valueTypes(), valueTypes());
        }

        private List<ValueType> valueTypes() {
            int count = count(VALUES_MAX);
            List<ValueType> list = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int code = u8();
                list.add(switch (code) {
                    case 0x7f -> ValueType.I32;
                    case 0x7e -> ValueType.I64;
                    case 0x7d -> ValueType.F32;
                    case 0x7c -> ValueType.F64;
                    case 0x7b -> ValueType.V128;
                    case 0x70 -> ValueType.FUNCREF;
                    case 0x6f -> ValueType.EXTERNREF;
                    default -> throw invalid("value type 0x" + Integer.toHexString(code) + ", which is not supported");
                });
            }
            return list;
        }

        private Import importEntry() {
            String module = name();
            String name = name();
            Kind kind = kind();
            switch (kind) {
                case FUNCTION -> {
                    int type = u32();
                    functions.add(type);
                    return new Import(module, name, kind, Optional.of(type(type)));
                }
                case TABLE -> {
                    u8();
                    skipMemoryLimits();
                }
                case MEMORY -> skipMemoryLimits();
                case GLOBAL -> {
                    u8();
                    u8();
                }
            }
            return new Import(module, name, kind, Optional.empty());
        }

        private void skipMemoryLimits() {
            int flags = u8();
            if (flags > 1) {
                throw invalid("memory or table limits of kind " + flags + ", which are not supported");
            }
            u32();
            if (flags == 1) {
                u32();
            }
        }

        private Export exportEntry() {
            String name = name();
            Kind kind = kind();
            int index = u32();
            if (kind != Kind.FUNCTION) {
                return new Export(name, kind, Optional.empty());
            }
            if (index >= functions.size()) {
                throw invalid("an export names a function that does not exist");
            }
            return new Export(name, kind, Optional.of(type(functions.get(index))));
        }

        private FunctionType type(int index) {
            if (index >= types.size()) {
                throw invalid("a function has a type that does not exist");
            }
            return types.get(index);
        }

        private Kind kind() {
            int code = u8();
            if (code > 3) {
                throw invalid("import or export of kind " + code + ", which is not supported");
            }
            return Kind.values()[code];
        }

        private String name() {
            int length = u32();
            if (length > limit - position) {
                throw invalid("a name is longer than its section");
            }
            try {
                String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(wasm, position, length)).toString();
                position += length;
                return text;
            } catch (CharacterCodingException e) {
                throw invalid("a name is not UTF-8");
            }
        }

        private int u8() {
            if (position >= limit) {
                throw invalid("it ends too early");
            }
            return wasm[position++] & 0xff;
        }

        /** LEB128 u32; values above {@link Integer#MAX_VALUE} occur in no file that fits into an array. */
        private int u32() {
            long value = 0;
            for (int shift = 0; shift < 35; shift += 7) {
                int b = u8();
                value |= (long) (b & 0x7f) << shift;
                if (b < 0x80) {
                    if (value > Integer.MAX_VALUE) {
                        break;
                    }
                    return (int) value;
                }
            }
            throw invalid("a number is out of range");
        }

        private int fixedU32() {
            return u8() | u8() << 8 | u8() << 16 | u8() << 24;
        }
    }
}
