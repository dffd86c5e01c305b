package dev.geodesic.it.ws;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.geodesic.it.ws.Http.User;
import dev.geodesic.protocol.message.ClientMessage;
import dev.geodesic.protocol.message.ProcedureOutcome;
import dev.geodesic.protocol.message.ServerMessage;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.SatsJson;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** The modules {@code samples/modules/features-*}: one source, compiled for crates of five versions. */
final class Features {

    /** Versions of the crate, oldest first. */
    static final List<String> CRATES = List.of("1.1", "1.12", "2.0", "2.8", "2.11");
    /** Those with views and procedures. */
    static final List<String> WITH_VIEWS = CRATES.subList(1, 5);
    /** Those with event tables and views that return a query. */
    static final List<String> OF_2 = CRATES.subList(2, 5);

    static final String FATAL = "The instance encountered a fatal error.";

    static final List<String> NO_HEADERS = List.of();

    private static final long PATIENCE_MILLIS = 10_000;
    private static final Pattern BRACES = Pattern.compile("\\{([^}]*)}");

    private Features() {
    }

    static Path module(String crate) {
        return Path.of("../samples/modules/features-" + crate + "/features_" + crate.replace('.', '_') + ".wasm");
    }

    static TestDatabase publish(String crate) {
        return TestDatabase.publish(module(crate));
    }

    /** The module of crate 2.8, which has everything but environment variables. */
    static TestDatabase publish() {
        return publish("2.8");
    }

    /** The rows of a message, in the order of their text, without the query sets. */
    static List<String> rows(String message) {
        return BRACES.matcher(message).results()
                .flatMap(braces -> Arrays.stream(braces.group(1).split(" (?=\\w+[+-][\\[0-9a-f])")))
                .filter(row -> !row.isEmpty()).sorted().toList();
    }

    static List<String> nextRows(WsClient client) {
        return rows(client.next());
    }

    /** Calls a reducer or procedure over HTTP. */
    static HttpResponse<String> call(TestDatabase db, User user, String function, Object... arguments) {
        return Http.send("POST", "database/" + db.name + "/call/" + function, user == null ? null : user.token(),
                Args.json(arguments).getBytes(StandardCharsets.UTF_8));
    }

    /** A call by the owner that must succeed; its body. */
    static String ok(TestDatabase db, String function, Object... arguments) {
        HttpResponse<String> answer = call(db, db.owner, function, arguments);
        assertEquals(200, answer.statusCode(), () -> function + ": " + answer.body());
        return answer.body();
    }

    /** A call by the owner that must fail, in full: status and text. */
    static String refused(TestDatabase db, String function, Object... arguments) {
        HttpResponse<String> answer = call(db, db.owner, function, arguments);
        return answer.statusCode() + " " + answer.body();
    }

    static WsClient callProcedure(WsClient client, int requestId, String procedure, Object... arguments) {
        return client.send(new ClientMessage.CallProcedure(procedure, client.arguments(arguments), requestId));
    }

    /** What the procedure returned, as JSON; or how it failed. */
    static String returned(WsClient client, AlgebraicType type) {
        ServerMessage.ProcedureResult result = (ServerMessage.ProcedureResult) client.nextMessage();
        return switch (result.outcome()) {
            case ProcedureOutcome.Returned returned -> client.subprotocol.isText() ? returned.value().json()
                    : SatsJson.toString(type, returned.value().bsatn(), SatsJson.Flavor.UNTYPED);
            case ProcedureOutcome.InternalError error -> error.error();
            case ProcedureOutcome.OutOfEnergy energy -> "out of energy";
        };
    }

    /** Runs of the schedule with that label. */
    static int ticks(TestDatabase db, String label) {
        return db.sql("SELECT * FROM tick WHERE label = '" + label + "'").size();
    }

    static void awaitTicks(TestDatabase db, String label, int expected) {
        await(label, expected, () -> ticks(db, label));
    }

    /** Waits until the value is what it should be. */
    static <T> void await(String what, T expected, Supplier<T> actual) {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        T last = actual.get();
        while (!expected.equals(last) && System.currentTimeMillis() < end) {
            pause(20);
            last = actual.get();
        }
        assertEquals(expected, last, what);
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Lines of the module's log that contain the text. */
    static int logged(TestDatabase db, String text) {
        return (int) Http.ok("GET", "database/" + db.name + "/logs", db.owner.token(), new byte[0]).lines()
                .filter(line -> line.contains(text)).count();
    }
}
