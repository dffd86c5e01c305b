package dev.geodesic.pgwire;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.geodesic.engine.auth.TokenAuthority;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.database.CallResult;
import dev.geodesic.engine.database.ClientInfo;
import dev.geodesic.engine.database.Database;
import dev.geodesic.engine.database.PublishRequest;
import dev.geodesic.engine.database.Server;
import dev.geodesic.engine.database.ServerOptions;
import dev.geodesic.engine.durability.LogFactory;
import dev.geodesic.engine.table.heap.HeapStores;
import dev.geodesic.protocol.message.Arguments;
import dev.geodesic.sats.ConnectionId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;

/** An engine with the golden module as database {@code golden}, filled, and the endpoint before it. */
final class World implements AutoCloseable {

    private static final AtomicLong CONNECTIONS = new AtomicLong();

    final Server engine;
    final TokenAuthority.Issued owner;
    final TokenAuthority.Issued other;
    final Database golden;
    final PgServer endpoint;
    private final Path compiled;

    World(Path data) {
        this(data, options(100));
    }

    World(Path data, PgOptions options) {
        compiled = data.resolve("compiled");
        try {
            Path shared = Path.of("target", "compiled-modules").toAbsolutePath();
            Files.createDirectories(shared);
            Files.createSymbolicLink(compiled, shared);
            engine = Server.start(new ServerOptions(
                    data, Limits.DEFAULTS, HeapStores::new, LogFactory.MEMORY,
                    Thread.ofPlatform().daemon().stackSize(16 << 20).factory(), Clock.systemUTC()));
            owner = engine.tokens().issueAnonymous();
            other = engine.tokens().issueAnonymous();
            byte[] program = Files.readAllBytes(Path.of("../samples/modules/golden-v2/golden_v2.wasm"));
            engine.publish(new PublishRequest(Optional.of("golden"), owner.claims().identity(), program, false));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        golden = engine.database(engine.resolve("golden"));
        fill();
        endpoint = PgServer.start(engine, options, Thread.ofVirtual().name("pg-", 0).factory());
    }

    static PgOptions options(int connectionsMax) {
        return options(connectionsMax, 64 << 20, PgOptions.Times.DEFAULTS);
    }

    static PgOptions options(int connectionsMax, long retainedBytesMax, PgOptions.Times times) {
        return new PgOptions(
                new InetSocketAddress("127.0.0.1", 0), Optional.empty(), false, connectionsMax, retainedBytesMax, times);
    }

    private void fill() {
        call("add_scalars", """
                [true, 255, -128, 65535, -32768, 4294967295, -2147483648, 18446744073709551615, -9223372036854775808,
                 340282366920938463463374607431768211455, -170141183460469231731687303715884105728,
                 "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                 "-0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 1.5, -0.0, "it's \\"q\\" ü"]""");
        call("add_specials", """
                [1, {"__identity__": "0x%s"}, {"__connection_id__": 5},
                 {"__timestamp_micros_since_unix_epoch__": 1700000000123456}, {"__time_duration_micros__": -5},
                 {"__uuid__": 3}, {"Interval": {"__time_duration_micros__": 7}}]"""
                .formatted(owner.claims().identity().toHex()));
        call("add_specials", """
                [2, ["0x1"], [340282366920938463463374607431768211455], [-1], [90061000001],
                 [1512366075203561447395604052573863134], [1, [5]]]""");
        call("add_compounds", """
                [{"id": 1, "color": {"darkBlue": []}, "shape": {"box": {"top_left": [1, 2], "size_2_d": [3, 4]}}, "point": [5, 6],
                  "opt_text": {"some": "t"}, "opt_num": null, "opt_point": [0, [7, 8]], "res": {"err": "bad"}, "bytes": "00ff",
                  "nums": [1, -2], "words": ["a", "b c"], "points": [[1, 2]], "nested": ["01", "", [2, 3]]}]""");
        call("add_member", "[1, 1, \"ann\", true]");
        call("add_member", "[2, 1, \"bob\", false]");
        call("add_member", "[3, 2, \"cid\", true]");
        call("add_note", "[\"mine\"]");
        call("add_secret", "[1, \"hush\"]");
    }

    void call(String reducer, String arguments) {
        ClientInfo client = new ClientInfo(
                owner.claims().identity(), new ConnectionId(CONNECTIONS.incrementAndGet(), 1), owner.claims().payload());
        assertInstanceOf(CallResult.Committed.class, golden.call(client, reducer, new Arguments.Json(arguments)).join());
    }

    String url(String database, String parameters) {
        return "jdbc:postgresql://127.0.0.1:" + endpoint.port() + "/" + database + "?" + parameters;
    }

    /** With the driver's extended protocol, unless the parameters say otherwise. */
    Connection connect(TokenAuthority.Issued who, String parameters) throws SQLException {
        Properties login = new Properties();
        login.setProperty("user", "somebody");
        login.setProperty("password", who.token());
        return DriverManager.getConnection(url("golden", parameters), login);
    }

    @Override
    public void close() {
        endpoint.close();
        engine.close();
        try {
            Files.deleteIfExists(compiled);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
