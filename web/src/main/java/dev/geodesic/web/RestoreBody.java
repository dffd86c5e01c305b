package dev.geodesic.web;

import dev.geodesic.engine.backup.Moment;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import java.io.InputStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * What a request says is to be backed up or restored: {@code {"directory": "monday", "offset": 17}} and the like.
 *
 * @param directory name of a backup below the server's directory for them
 * @param database name or identity of the one whose past is meant
 * @param moment the latest, unless {@code offset} or {@code time} says otherwise
 */
record RestoreBody(Optional<String> directory, Optional<String> database, Moment moment) {

    /** Errors: a 400 or 422. */
    static RestoreBody read(InputStream body) {
        JsonValue json;
        try {
            json = Json.parse(Bodies.read(body, Bodies.BYTES_MAX));
        } catch (BsatnException e) {
            throw new RefusedException(400, "Failed to parse the request body as JSON: " + e.getMessage());
        }
        if (!(json instanceof JsonObject object)) {
            throw malformed("an object");
        }
        Optional<String> directory = Optional.empty();
        Optional<String> database = Optional.empty();
        Optional<Moment> moment = Optional.empty();
        for (JsonValue.Member member : object.members()) {
            if (member.name().equals("directory") && member.value() instanceof JsonString text) {
                directory = Optional.of(text.value());
            } else if (member.name().equals("database") && member.value() instanceof JsonString text) {
                database = Optional.of(text.value());
            } else if (moment.isEmpty() && member.name().equals("offset") && member.value() instanceof JsonNumber number) {
                moment = Optional.of(offset(number.text()));
            } else if (moment.isEmpty() && member.name().equals("time") && member.value() instanceof JsonString text) {
                moment = Optional.of(time(text.value()));
            } else {
                throw malformed("`directory` and `database` as text, and `offset` as a number or `time` as text; not `"
                        + member.name() + "` as a " + member.value().kind());
            }
        }
        return new RestoreBody(directory, database, moment.orElseGet(Moment.Latest::new));
    }

    /** The moment that the query string of an upload says. */
    static Moment moment(Query query) {
        if (query.text("offset").isPresent()) {
            return offset(query.text("offset").get());
        }
        return query.text("time").map(RestoreBody::time).orElseGet(Moment.Latest::new);
    }

    private static Moment offset(String text) {
        try {
            return new Moment.Offset(Long.parseLong(text));
        } catch (NumberFormatException e) {
            throw malformed("`offset` as a number of transactions");
        }
    }

    private static Moment time(String text) {
        try {
            return new Moment.Time(ChronoUnit.MICROS.between(Instant.EPOCH, OffsetDateTime.parse(text).toInstant()));
        } catch (DateTimeException | ArithmeticException e) {
            throw malformed("`time` as in 2026-01-31T12:00:00Z");
        }
    }

    private static RefusedException malformed(String expected) {
        return new RefusedException(422, "Failed to deserialize the JSON body into the target type: expected " + expected);
    }
}
