package dev.geodesic.engine.host;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.host.abi.AbiVersion;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.runtime.FunctionType;
import dev.geodesic.engine.host.runtime.HostFunction;
import dev.geodesic.engine.host.runtime.WasmBinary;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The exports of a program that the host calls, after its imports and exports have been checked (spec/module-abi.md sections 1
 * and 2).
 *
 * @param preinits names in the order in which they run
 */
record ModuleExports(
        AbiVersion version,
        boolean initialize,
        List<String> preinits,
        boolean setup,
        boolean view,
        boolean anonymousView,
        boolean procedure,
        boolean httpHandler) {

    static final String DESCRIBE = "__describe_module__";
    static final String CALL_REDUCER = "__call_reducer__";
    static final String CALL_VIEW = "__call_view__";
    static final String CALL_VIEW_ANON = "__call_view_anon__";
    static final String CALL_PROCEDURE = "__call_procedure__";
    static final String CALL_HTTP_HANDLER = "__call_http_handler__";
    static final String SETUP = "__setup__";
    static final String INITIALIZE = "_initialize";
    static final String PREINIT_PREFIX = "__preinit__";

    private static final FunctionType NOTHING = FunctionType.of(":");
    private static final FunctionType CALL = FunctionType.of("iIIIIIIIii:i");
    private static final Map<String, FunctionType> OPTIONAL_CALLS = Map.of(
            CALL_PROCEDURE, CALL,
            CALL_VIEW, FunctionType.of("iIIIIii:i"),
            CALL_VIEW_ANON, FunctionType.of("iii:i"),
            CALL_HTTP_HANDLER, FunctionType.of("iIiiii:i"));

    private static final Map<List<String>, FunctionType> IMPORTS = HostFunctions.TABLE.stream()
            .collect(Collectors.toUnmodifiableMap(f -> List.of(f.module(), f.name()), HostFunction::type, (a, b) -> a));

    /** Errors: INVALID_MODULE, naming the import or export. */
    static ModuleExports check(WasmBinary binary) {
        AbiVersion version = AbiVersion.required(binary);
        binary.imports().forEach(ModuleExports::checkImport);
        Map<String, WasmBinary.Export> exports =
                binary.exports().stream().collect(Collectors.toMap(WasmBinary.Export::name, Function.identity(), (a, b) -> a));
        WasmBinary.Export memory = exports.get("memory");
        if (memory == null || memory.kind() != WasmBinary.Kind.MEMORY) {
            throw invalid("there should be a memory export called \"memory\" but it does not exist");
        }
        require(exports, CALL_REDUCER, "call_reducer", CALL);
        require(exports, DESCRIBE, "describe_module", FunctionType.of("i:"));
        List<String> preinits = exports.keySet().stream().filter(n -> n.startsWith(PREINIT_PREFIX))
                .sorted((a, b) -> Arrays.compareUnsigned(
                        a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8)))
                .toList();
        for (String name : preinits) {
            checkType(exports.get(name), "preinit", name.substring(PREINIT_PREFIX.length()), NOTHING);
        }
        if (exports.containsKey(SETUP)) {
            checkType(exports.get(SETUP), "setup", SETUP, FunctionType.of("i:i"));
        }
        OPTIONAL_CALLS.forEach((name, type) -> {
            if (exports.containsKey(name)) {
                checkType(exports.get(name), name.replace("__", ""), name, type);
            }
        });
        WasmBinary.Export initialize = exports.get(INITIALIZE);
        return new ModuleExports(
                version,
                initialize != null && initialize.type().equals(Optional.of(NOTHING)),
                preinits,
                exports.containsKey(SETUP),
                exports.containsKey(CALL_VIEW),
                exports.containsKey(CALL_VIEW_ANON),
                exports.containsKey(CALL_PROCEDURE),
                exports.containsKey(CALL_HTTP_HANDLER));
    }

    private static void checkImport(WasmBinary.Import entry) {
        String name = "\"" + entry.module() + "\".\"" + entry.name() + "\"";
        if (entry.kind() != WasmBinary.Kind.FUNCTION) {
            throw invalid("the module imports the " + entry.kind().name().toLowerCase(Locale.ROOT) + " " + name
                    + "; only functions can be imported");
        }
        FunctionType known = IMPORTS.get(List.of(entry.module(), entry.name()));
        if (known == null) {
            throw invalid("the module imports the function " + name + ", which this host does not have");
        }
        if (!entry.type().equals(Optional.of(known))) {
            throw invalid("the module imports the function " + name + " as " + entry.type().orElseThrow() + "; it is " + known);
        }
    }

    private static void require(Map<String, WasmBinary.Export> exports, String name, String kind, FunctionType type) {
        WasmBinary.Export export = exports.get(name);
        if (export == null) {
            throw invalid("there should be a function called \"" + name + "\" but it does not exist");
        }
        checkType(export, kind, name, type);
    }

    private static void checkType(WasmBinary.Export export, String kind, String name, FunctionType type) {
        if (export.kind() != WasmBinary.Kind.FUNCTION) {
            throw invalid("expected \"" + name + "\" export to be a " + kind + " with signature " + type
                    + ", but it wasn't a function at all");
        }
        if (!export.type().equals(Optional.of(type))) {
            throw invalid("bad " + kind + " signature for \"" + name + "\"; expected " + type + " got "
                    + export.type().orElseThrow());
        }
    }

    private static EngineException invalid(String message) {
        return new EngineException(ErrorCode.INVALID_MODULE, message);
    }
}
