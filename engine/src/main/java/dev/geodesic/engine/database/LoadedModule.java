package dev.geodesic.engine.database;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.host.ModuleHost;
import dev.geodesic.engine.host.ReducerOutcome;
import dev.geodesic.engine.host.ViewOutcome;
import dev.geodesic.engine.host.abi.CallContext;
import dev.geodesic.engine.host.abi.GuestOptions;
import dev.geodesic.engine.host.runtime.WasmRuntime;
import dev.geodesic.engine.schema.ModuleDef;
import dev.geodesic.engine.schema.ReducerDef;
import dev.geodesic.engine.schema.UnsupportedFeatures;
import dev.geodesic.engine.schema.ViewDef;
import dev.geodesic.engine.tx.MutTx;
import dev.geodesic.engine.tx.Transaction;
import dev.geodesic.sats.ConnectionId;
import dev.geodesic.sats.Identity;
import java.util.Optional;
import java.util.function.Function;

/** A program that was compiled, described and found good. {@link #load} and {@link #call} need a thread for guests. */
final class LoadedModule implements AutoCloseable {

    private final ModuleHost host;
    private final ModuleDef definition;
    private final Identity hash;
    private final byte[] program;

    private LoadedModule(ModuleHost host, ModuleDef definition, Identity hash, byte[] program) {
        this.host = host;
        this.definition = definition;
        this.hash = hash;
        this.program = program;
    }

    /**
     * Compiles and describes a program. Errors: INVALID_MODULE, INVALID_MODULE_DEF, UNSUPPORTED_FEATURE, LIMIT_EXCEEDED.
     *
     * @param hash of the program
     */
    static LoadedModule load(WasmRuntime runtime, byte[] program, Identity hash, GuestOptions options) {
        ModuleHost host = ModuleHost.load(runtime, program, options);
        try {
            ModuleDef definition = ModuleDef.decode(host.describe().bytes());
            UnsupportedFeatures.check(definition);
            return new LoadedModule(host, definition, hash, program);
        } catch (Throwable e) {
            host.close();
            throw e;
        }
    }

    /** Hash by which programs are told apart (spec/http-api.md 6.5). */
    static Identity hash(byte[] program) {
        return Identity.fromLittleEndian(Hashes.keccak256(program), 0);
    }

    ModuleHost host() {
        return host;
    }

    ModuleDef definition() {
        return definition;
    }

    Identity hash() {
        return hash;
    }

    byte[] program() {
        return program;
    }

    /** Runs a reducer in the open transaction. Errors: INTERNAL, or INVALID_MODULE if a new instance cannot be made. */
    ReducerOutcome call(
            MutTx tx,
            ReducerDef reducer,
            ClientInfo client,
            long timestampMicros,
            byte[] arguments,
            Function<ConnectionId, Optional<String>> credentials) {
        tx.calledAt(timestampMicros);
        return host.main().callReducer(
                CallContext.inTransaction(reducer.name(), tx, credentials),
                reducer.id(),
                client.identity(),
                client.connection(),
                timestampMicros,
                arguments);
    }

    /** Runs a view in the open transaction. Errors as {@link #call}. */
    ViewOutcome callView(Transaction reads, ViewDef view, Optional<Identity> caller) {
        return host.main().callView(
                CallContext.inTransaction(view.name(), reads, connection -> Optional.empty()), view.index(), caller);
    }

    @Override
    public void close() {
        host.close();
    }
}
