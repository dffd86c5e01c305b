package dev.geodesic.engine.database;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.abi.HostFunctions;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.host.wasmtime.WasmtimeOptions;
import dev.geodesic.engine.host.wasmtime.WasmtimeRuntime;
import dev.geodesic.engine.schema.SchemaJson;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.JsonWriter;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;

/** What a program declares, without a database to run it: for generators of client code (spec/client-expectations.md 11). */
public final class SchemaExtractor {

    private static final Identity NO_DATABASE = Identity.fromHex("0".repeat(64));

    private SchemaExtractor() {
    }

    /**
     * The module definition as a tagged sum, {@code {"V10":{"sections":[...]}}}, in UTF-8; also of modules of version 9.
     * Errors: INVALID_MODULE, INVALID_MODULE_DEF, UNSUPPORTED_FEATURE, LIMIT_EXCEEDED.
     */
    public static byte[] extract(byte[] program) {
        ThreadFactory guestThreads =
                Thread.ofPlatform().daemon().name("guest-", 0).stackSize(WasmRuntime.GUEST_THREAD_STACK_BYTES).factory();
        CompletableFuture<byte[]> json = new CompletableFuture<>();
        guestThreads.newThread(() -> {
            try (WasmRuntime runtime =
                    WasmtimeRuntime.open(new WasmtimeOptions(Optional.empty(), guestThreads), HostFunctions.TABLE)) {
                json.complete(extract(runtime, program));
            } catch (Throwable e) {
                json.completeExceptionally(e);
            }
        }).start();
        return Database.join(json);
    }

    private static byte[] extract(WasmRuntime runtime, byte[] program) {
        GuestOptions options = new GuestOptions(
                NO_DATABASE, Limits.DEFAULTS, line -> { }, (name, arguments) -> { }, Clock.systemUTC(), Map::of);
        try (LoadedModule module = LoadedModule.load(runtime, program, LoadedModule.hash(program), options)) {
            JsonWriter json = new JsonWriter().beginObject().key("V10");
            SchemaJson.writeV10(module.definition(), json);
            return json.endObject().toByteArray();
        }
    }
}
