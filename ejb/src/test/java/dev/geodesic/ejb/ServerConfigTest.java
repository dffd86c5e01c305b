package dev.geodesic.ejb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.geodesic.engine.auth.IssuerOptions;
import dev.geodesic.engine.auth.PublishPolicy;
import dev.geodesic.engine.backup.BackupOptions;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.database.ResourceOptions;
import dev.geodesic.engine.durability.CommitLogOptions;
import dev.geodesic.engine.durability.Retention;
import dev.geodesic.engine.durability.SnapshotOptions;
import dev.geodesic.engine.egress.EgressOptions;
import dev.geodesic.engine.egress.EgressRule;
import dev.geodesic.engine.procedure.ProcedureOptions;
import dev.geodesic.pgwire.PgOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServerConfigTest {

    private static ServerConfig read(Map<String, String> settings) {
        return ServerConfig.read(name -> Optional.ofNullable(settings.get(name)));
    }

    @Test
    void usesDefaultsWhereNothingIsSet() {
        ServerConfig config = read(Map.of("geodesic.wasmtime.library", " "));
        assertEquals(new ServerConfig(Path.of("geodesic-data").toAbsolutePath(), ServerConfig.Storage.DISK,
                CommitLogOptions.DEFAULTS, ServerConfig.Store.CHRONICLE, false, ServerConfig.Transport.UPGRADE,
                Optional.empty(), 16 << 20, Limits.DEFAULTS,
                ProcedureOptions.DEFAULTS, Optional.empty(), RequestOptions.DEFAULTS,
                new IssuerOptions(true, Map.of(), List.of()), PublishPolicy.ANYONE,
                ResourceOptions.DEFAULTS.withMemory(
                        Resources.databaseBytes(Resources.serverBytes()), Resources.serverBytes(), Resources.heapBytes()),
                Optional.of(SnapshotOptions.DEFAULTS), Optional.empty(), Optional.empty(), BackupOptions.DEFAULTS),
                config);
    }

    @Test
    void readsWhenSnapshotsAreTakenAndWhatIsKept() {
        ServerConfig config = read(Map.ofEntries(
                Map.entry("geodesic.snapshot.transactions", "1000"),
                Map.entry("geodesic.snapshot.log.bytes", "2000000"),
                Map.entry("geodesic.snapshot.keep", "5"),
                Map.entry("geodesic.snapshot.history.hours", "0"),
                Map.entry("geodesic.snapshot.retained.bytes", "3000000"),
                Map.entry("geodesic.log.compress", "off")));
        assertEquals(
                Optional.of(new SnapshotOptions(
                        SnapshotOptions.DEFAULTS.disk(), 1000, 2_000_000, new Retention(5, Duration.ZERO), 3_000_000, false)),
                config.snapshots());
        assertEquals(Optional.empty(), read(Map.of("geodesic.storage", "memory")).snapshots());
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class, () -> read(Map.of("geodesic.snapshot.keep", "0")));
        assertTrue(refused.getMessage().contains("geodesic.snapshot.keep=0"), refused.getMessage());
    }

    @Test
    void readsWhatIsSet() {
        ServerConfig config = read(Map.ofEntries(
                Map.entry("geodesic.data.directory", "/srv/../srv/data"),
                Map.entry("geodesic.storage", "memory"),
                Map.entry("geodesic.log.segment.bytes", "4096"),
                Map.entry("geodesic.log.queue.records", "10"),
                Map.entry("geodesic.store", "Heap"),
                Map.entry("geodesic.websocket.gzip", "on"),
                Map.entry("geodesic.wasmtime.library", "/opt/libwasmtime.so"),
                Map.entry("geodesic.guest.stack.bytes", "1048576"),
                Map.entry("geodesic.limits.memory.bytes", "5000000000"),
                Map.entry("geodesic.limits.connections", "7"),
                Map.entry("geodesic.limits.procedure.millis", "9"),
                Map.entry("geodesic.procedure.instances", "3"),
                Map.entry("geodesic.requests.database.waiting", "5"),
                Map.entry("geodesic.http.outbound", "listed"),
                Map.entry("geodesic.http.outbound.allow", "*.test:443, 10.0.0.0/8"),
                Map.entry("geodesic.oidc.issuers", "https://login.test app  web, http://localhost:8080/realms/dev"),
                Map.entry("geodesic.publish.allowed", "role:publisher, issuer:https://login.test")));
        assertEquals(
                new IssuerOptions(false, Map.of("https://login.test", Set.of("app", "web"), "http://localhost:8080/realms/dev",
                        Set.of()), List.of()),
                config.issuers());
        assertEquals(new PublishPolicy(false, Set.of(), Set.of("https://login.test"), Set.of("publisher")), config.publishers());
        assertEquals(Path.of("/srv/data"), config.dataDirectory());
        assertEquals(ServerConfig.Storage.MEMORY, config.storage());
        assertEquals(4096, config.log().segmentBytesMax());
        assertEquals(10, config.log().queueRecordsMax());
        assertEquals(CommitLogOptions.DEFAULTS.queueBytesMax(), config.log().queueBytesMax());
        assertEquals(ServerConfig.Store.HEAP, config.store());
        assertTrue(config.gzip());
        assertEquals(Optional.of(Path.of("/opt/libwasmtime.so")), config.wasmtimeLibrary());
        assertEquals(1 << 20, config.guestStackBytes());
        assertEquals(5_000_000_000L, config.limits().memoryBytesMax());
        assertEquals(7, config.limits().connectionsMax());
        assertEquals(9, config.limits().calls().procedureMillisMax());
        assertEquals(3, config.procedures().instances());
        assertEquals(5, config.requests().waitingOfDatabase());
        assertEquals(RequestOptions.DEFAULTS.threads(), config.requests().threads());
        assertEquals(EgressOptions.Mode.LISTED, config.procedures().egress().mode());
        assertEquals(EgressRule.parseAll("*.test:443,10.0.0.0/8"), config.procedures().egress().allow());
        assertEquals(Limits.DEFAULTS.databasesMax(), config.limits().databasesMax());
    }

    @Test
    void readsHowMessagesAreCarried() {
        assertEquals(ServerConfig.Transport.UPGRADE, read(Map.of("geodesic.websocket.transport", "upgrade")).transport());
        assertEquals(ServerConfig.Transport.JAKARTA, read(Map.of("geodesic.websocket.transport", "Jakarta")).transport());
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class, () -> read(Map.of("geodesic.websocket.transport", "netty")));
        assertEquals("geodesic.websocket.transport=netty: expected one of [upgrade, jakarta]", refused.getMessage());
    }

    @Test
    void readsTheLimitsOfTheMachine() {
        ServerConfig config = read(Map.ofEntries(
                Map.entry("geodesic.limits.server.bytes", "4000000"),
                Map.entry("geodesic.limits.server.heap.bytes", "2000000"),
                Map.entry("geodesic.limits.database.queue", "7"),
                Map.entry("geodesic.stop.millis", "1500"),
                Map.entry("geodesic.open.wait.millis", "20"),
                Map.entry("geodesic.disk.warn.bytes", "5%"),
                Map.entry("geodesic.disk.stop.bytes", "1000")));
        assertEquals(3_000_000, config.resources().databaseBytesMax());
        assertEquals(4_000_000, config.resources().serverBytesMax());
        assertEquals(2_000_000, config.resources().serverHeapBytesMax());
        assertEquals(7, config.resources().writerTasksMax());
        assertEquals(Duration.ofMillis(1500), config.resources().stopWait());
        assertEquals(Duration.ofMillis(20), config.resources().openWait());
        assertEquals(50, config.diskWarn().orElseThrow().of(1000));
        assertEquals(1000, config.diskStop().orElseThrow().of(1_000_000));
    }

    @Test
    void theDefaultsLeaveRoomOnTheMachine() {
        long heap = Runtime.getRuntime().maxMemory();
        assertTrue(Resources.heapBytes() < heap);
        assertTrue(Resources.databaseBytes(Resources.serverBytes()) < Resources.serverBytes());
    }

    @ParameterizedTest
    @CsvSource({
        "geodesic.disk.stop.bytes, 101%, 'geodesic.disk.stop.bytes=101%: expected bytes, or a part of the disk such as 5%'",
        "geodesic.store, disk, 'geodesic.store=disk: expected one of [chronicle, heap]'",
        "geodesic.storage, tape, 'geodesic.storage=tape: expected one of [disk, memory]'",
        "geodesic.limits.databases, -1, 'geodesic.limits.databases=-1: expected a whole number from 1 to 2147483647'",
        "geodesic.limits.connections, 2147483648,"
            + " 'geodesic.limits.connections=2147483648: expected a whole number from 1 to 2147483647'",
        "geodesic.limits.memory.bytes, 1G,"
            + " 'geodesic.limits.memory.bytes=1G: expected a whole number from 1 to 9223372036854775807'",
        "geodesic.http.outbound.deny, 'a.test, 10.0.0.0/33',"
            + " 'geodesic.http.outbound.deny=a.test, 10.0.0.0/33: `10.0.0.0/33` is no destination: expected a host name, *.name,"
            + " an IPv4 address or block, an IPv6 one in brackets, or *, and perhaps :port or :first-last'",
        "geodesic.oidc.issuers, everybody, 'geodesic.oidc.issuers=everybody: `everybody` is no issuer: expected `any`, `none`,"
            + " or an http or https URL without user, query and fragment'",
        "geodesic.publish.allowed, me, 'geodesic.publish.allowed=me: `me` is nobody: expected `anyone`, an identity of 64 hex"
            + " digits, `issuer:` with an issuer of tokens, or `role:` with a role of the application server'",
        "geodesic.guest.stack.bytes, 4096,"
            + " 'geodesic.guest.stack.bytes=4096: expected a whole number from 1048576 to 1073741824'",
    })
    void refusesWithTheNameOfTheSetting(String name, String value, String message) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, () -> read(Map.of(name, value))).getMessage());
    }

    @Test
    void readsThePostgresEndpoint() {
        PgOptions options = read(Map.of(
                "geodesic.pg.port", "5433", "geodesic.pg.host", "127.0.0.1", "geodesic.pg.connections", "9"))
                .postgres().orElseThrow();
        assertEquals(new InetSocketAddress("127.0.0.1", 5433), options.address());
        assertEquals(9, options.connectionsMax());
        assertTrue(options.tls().isEmpty());
        assertTrue(read(Map.of("geodesic.pg.host", "127.0.0.1")).postgres().isEmpty());
    }

    @ParameterizedTest
    @CsvSource({
        "geodesic.pg.port, 65536", "geodesic.pg.connections, 0", "geodesic.pg.host, no.such.host.invalid",
        "geodesic.pg.tls.required, on", "geodesic.pg.tls.keystore, /no/such/file.p12"})
    void refusesBadSettingsOfThePostgresEndpoint(String name, String value) {
        Map<String, String> settings = new HashMap<>(Map.of("geodesic.pg.port", "5433"));
        settings.put(name, value);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> read(settings));
        assertTrue(e.getMessage().contains(value), e.getMessage());
    }
}
