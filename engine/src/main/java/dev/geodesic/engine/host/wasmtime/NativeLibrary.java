package dev.geodesic.engine.host.wasmtime;

import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The functions of libwasmtime. The library is loaded once, at first use, from the file or directory named by the system
 * property {@value #PROPERTY} or the environment variable {@value #VARIABLE}, and stays until the process ends.
 */
final class NativeLibrary {

    static final String PROPERTY = "geodesic.wasmtime.library";
    static final String VARIABLE = "GEODESIC_WASMTIME_LIBRARY";

    /** The whole address space: {@code ALL.get(layout, address)}. */
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /** Slots of {@code wasmtime_val_raw_t}. */
    static final int SLOT_BYTES = 16;

    static final Path PATH = path();
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup SYMBOLS = SymbolLookup.libraryLookup(PATH, Arena.global());

    /* The hot path: typed handles for invokeExact. */
    static final MethodHandle FUNC_CALL_UNCHECKED = handle("wasmtime_func_call_unchecked", "LLLLL:L");
    static final MethodHandle MEMORY_DATA = handle("wasmtime_memory_data", "LL:L");
    static final MethodHandle MEMORY_DATA_SIZE = handle("wasmtime_memory_data_size", "LL:L");

    static final Function CONFIG_NEW = function("wasm_config_new", ":L");
    static final Function CONFIG_EPOCH = function("wasmtime_config_epoch_interruption_set", "LZ:");
    static final Function CONFIG_MAX_STACK = function("wasmtime_config_max_wasm_stack_set", "LL:");
    static final Function ENGINE_NEW = function("wasm_engine_new_with_config", "L:L");
    static final Function ENGINE_DELETE = function("wasm_engine_delete", "L:");
    static final Function ENGINE_INCREMENT_EPOCH = function("wasmtime_engine_increment_epoch", "L:");
    static final Function STORE_NEW = function("wasmtime_store_new", "LLL:L");
    static final Function STORE_CONTEXT = function("wasmtime_store_context", "L:L");
    static final Function STORE_DELETE = function("wasmtime_store_delete", "L:");
    static final Function STORE_LIMITER = function("wasmtime_store_limiter", "LLLLLL:");
    static final Function STORE_EPOCH_CALLBACK = function("wasmtime_store_epoch_deadline_callback", "LLLL:");
    static final Function CONTEXT_SET_EPOCH_DEADLINE = function("wasmtime_context_set_epoch_deadline", "LL:");
    static final Function MODULE_NEW = function("wasmtime_module_new", "LLLL:L");
    static final Function MODULE_DELETE = function("wasmtime_module_delete", "L:");
    static final Function MODULE_SERIALIZE = function("wasmtime_module_serialize", "LL:L");
    static final Function MODULE_DESERIALIZE = function("wasmtime_module_deserialize", "LLLL:L");
    static final Function LINKER_NEW = function("wasmtime_linker_new", "L:L");
    static final Function LINKER_DELETE = function("wasmtime_linker_delete", "L:");
    static final Function LINKER_DEFINE = function("wasmtime_linker_define_func_unchecked", "LLLLLLLLL:L");
    static final Function LINKER_INSTANTIATE_PRE = function("wasmtime_linker_instantiate_pre", "LLL:L");
    static final Function PRE_INSTANTIATE = function("wasmtime_instance_pre_instantiate", "LLLL:L");
    static final Function PRE_DELETE = function("wasmtime_instance_pre_delete", "L:");
    static final Function EXPORT_GET = function("wasmtime_instance_export_get", "LLLLL:Z");
    static final Function CALLER_EXPORT_GET = function("wasmtime_caller_export_get", "LLLL:Z");
    static final Function FUNCTYPE_NEW = function("wasm_functype_new", "LL:L");
    static final Function FUNCTYPE_DELETE = function("wasm_functype_delete", "L:");
    static final Function VALTYPE_NEW = function("wasm_valtype_new", "B:L");
    static final Function VALTYPE_VEC_NEW = function("wasm_valtype_vec_new", "LLL:");
    static final Function TRAP_NEW = function("wasmtime_trap_new", "LL:L");
    static final Function TRAP_MESSAGE = function("wasm_trap_message", "LL:");
    static final Function TRAP_CODE = function("wasmtime_trap_code", "LL:Z");
    static final Function TRAP_TRACE = function("wasm_trap_trace", "LL:");
    static final Function TRAP_DELETE = function("wasm_trap_delete", "L:");
    static final Function ERROR_NEW = function("wasmtime_error_new", "L:L");
    static final Function ERROR_MESSAGE = function("wasmtime_error_message", "LL:");
    static final Function ERROR_TRACE = function("wasmtime_error_wasm_trace", "LL:");
    static final Function ERROR_DELETE = function("wasmtime_error_delete", "L:");
    static final Function FRAME_FUNC_NAME = function("wasmtime_frame_func_name", "L:L");
    static final Function FRAME_MODULE_NAME = function("wasmtime_frame_module_name", "L:L");
    static final Function FRAME_VEC_DELETE = function("wasm_frame_vec_delete", "L:");
    static final Function BYTE_VEC_DELETE = function("wasm_byte_vec_delete", "L:");
    static final Function WAT2WASM = function("wasmtime_wat2wasm", "LLL:L");

    private NativeLibrary() {
    }

    /**
     * A function off the hot path, with every argument and result as long.
     *
     * @param spread of type {@code (long[])long}
     */
    record Function(MethodHandle spread) {

        long call(long... arguments) {
            try {
                return (long) spread.invokeExact(arguments);
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }
    }

    /** A function that exists in some versions only; does nothing where it does not. */
    static Function config(String feature) {
        String name = "wasmtime_config_" + feature + "_set";
        return SYMBOLS.find(name).isPresent() ? function(name, "LZ:") : new Function(
                MethodHandles.dropArguments(MethodHandles.constant(long.class, 0L), 0, long[].class));
    }

    private static Function function(String name, String letters) {
        MethodHandle handle = handle(name, letters);
        int count = handle.type().parameterCount();
        Class<?>[] longs = new Class<?>[count];
        Arrays.fill(longs, long.class);
        return new Function(MethodHandles.explicitCastArguments(handle, MethodType.methodType(long.class, longs))
                .asSpreader(long[].class, count));
    }

    /** L is a pointer, size or u64, Z a bool, B a byte; parameters, a colon, the result if any. */
    private static MethodHandle handle(String name, String letters) {
        int colon = letters.indexOf(':');
        MemoryLayout[] parameters =
                letters.substring(0, colon).chars().mapToObj(NativeLibrary::layout).toArray(MemoryLayout[]::new);
        FunctionDescriptor descriptor = colon + 1 == letters.length()
                ? FunctionDescriptor.ofVoid(parameters)
                : FunctionDescriptor.of(layout(letters.charAt(colon + 1)), parameters);
        MemorySegment symbol = SYMBOLS.find(name).orElseThrow(() -> new EngineException(
                ErrorCode.INTERNAL, PATH + " has no function " + name + "; Wasmtime 50 or later is needed"));
        return LINKER.downcallHandle(symbol, descriptor);
    }

    private static ValueLayout layout(int letter) {
        return switch (letter) {
            case 'L' -> JAVA_LONG;
            case 'Z' -> JAVA_BOOLEAN;
            case 'B' -> JAVA_BYTE;
            case 'I' -> JAVA_INT;
            default -> throw new IllegalArgumentException(String.valueOf((char) letter));
        };
    }

    /** Makes a pointer to {@code target} for native code; it lives as long as the arena. */
    static long upcallStub(MethodHandle target, FunctionDescriptor descriptor, Arena arena) {
        return LINKER.upcallStub(target, descriptor, arena).address();
    }

    private static Path path() {
        String text = System.getProperty(PROPERTY, "");
        if (text.isEmpty()) {
            text = System.getenv().getOrDefault(VARIABLE, "");
        }
        if (text.isEmpty()) {
            throw new EngineException(ErrorCode.INTERNAL, "libwasmtime is not configured; set the system property " + PROPERTY
                    + " or the environment variable " + VARIABLE);
        }
        Path path = Path.of(text).toAbsolutePath();
        if (Files.isDirectory(path)) {
            path = path.resolve(System.mapLibraryName("wasmtime"));
        }
        if (!Files.isReadable(path)) {
            throw new EngineException(ErrorCode.INTERNAL, "libwasmtime cannot be read at " + path);
        }
        return path;
    }

    static RuntimeException unexpected(Throwable t) {
        if (t instanceof Error e) {
            throw e;
        }
        return t instanceof RuntimeException r ? r : new IllegalStateException(t);
    }

    static int getInt(long address) {
        return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    static long getLong(long address) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    static void putLong(long address, long value) {
        ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
    }

    /** Text of a {@code wasm_name_t} at an address, which may be 0. */
    static String name(long vector) {
        return vector == 0 ? "" : new String(bytes(vector), StandardCharsets.UTF_8);
    }

    /** Content of a {@code wasm_byte_vec_t} (size, data). */
    static byte[] bytes(long vector) {
        long size = getLong(vector);
        return size == 0 ? new byte[0] : ALL.asSlice(getLong(vector + 8), size).toArray(JAVA_BYTE);
    }

    /** Takes the message out of an error and deletes it. */
    static String takeError(long error) {
        try (Arena arena = Arena.ofConfined()) {
            long vector = arena.allocate(16, 8).address();
            ERROR_MESSAGE.call(error, vector);
            ERROR_DELETE.call(error);
            String text = name(vector);
            BYTE_VEC_DELETE.call(vector);
            return text;
        }
    }
}
