package dev.geodesic.engine.backup;

import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.Identity;
import dev.geodesic.sats.Json;
import dev.geodesic.sats.JsonValue;
import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.JsonWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a backup is of: {@code backup.json} (docs/formats/backup.md).
 *
 * @param database identity
 * @param names informative, as {@code server} and {@code createdBy} are
 * @param environment variables of the module, by name
 * @param program hash of the program
 * @param transactions number of transactions in the backup's last state
 * @param commitMicros when the last of them was committed, in microseconds since 1970
 * @param epoch of the log
 * @param from smallest number of transactions that can be restored
 * @param fromMicros when the last of those was committed, 0 if it is not known
 * @param createdMicros when the backup was taken
 * @param server what took it
 * @param files in the order in which they lie in a zip
 */
public record Manifest(
        Identity database,
        Identity owner,
        List<String> names,
        Map<String, String> environment,
        Identity program,
        long transactions,
        long commitMicros,
        long epoch,
        long from,
        long fromMicros,
        long createdMicros,
        Identity createdBy,
        String server,
        List<BackupFile> files) {

    private static final String FORMAT = "geodesic-backup";
    private static final long VERSION = 1;
    static final int BYTES_MAX = 16 << 20;
    private static final int VALUES_MAX = 10_000;
    private static final int FILES_MAX = 100;

    public Manifest {
        names = List.copyOf(names);
        environment = new TreeMap<>(environment);
        files = List.copyOf(files);
    }

    /** Bytes of all files. */
    public long bytes() {
        return files.stream().mapToLong(BackupFile::bytes).sum();
    }

    /** The newest snapshot in it. */
    BackupFile lastSnapshot() {
        String name = BackupFormat.snapshotName(transactions);
        return files.stream().filter(f -> f.name().equals(name)).findFirst().orElseThrow();
    }

    // ---- writing ----

    byte[] write() {
        JsonWriter json = new JsonWriter().beginObject()
                .key("format").string(FORMAT)
                .key("version").number(VERSION)
                .key("database").string(database.toHex())
                .key("owner").string(owner.toHex());
        json.key("names").beginArray();
        names.forEach(json::string);
        json.endArray().key("environment").beginObject();
        environment.forEach((name, value) -> json.key(name).string(value));
        json.endObject()
                .key("program").string(program.toHex())
                .key("transactions").number(transactions)
                .key("commit_micros").number(commitMicros)
                .key("commit_time").string(time(commitMicros))
                .key("epoch").number(epoch)
                .key("from").number(from)
                .key("from_micros").number(fromMicros)
                .key("created_micros").number(createdMicros)
                .key("created_time").string(time(createdMicros))
                .key("created_by").string(createdBy.toHex())
                .key("server").string(server);
        json.key("files").beginArray();
        files.forEach(f -> json.beginObject().key("name").string(f.name()).key("bytes").number(f.bytes())
                .key("sha256").string(f.sha256()).endObject());
        return json.endArray().endObject().toByteArray();
    }

    private static String time(long micros) {
        return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).toString();
    }

    // ---- reading ----

    /** Errors: BACKUP_INVALID. */
    static Manifest read(byte[] text) {
        JsonValue value;
        try {
            value = Json.parse(text, 0, text.length, VALUES_MAX);
        } catch (BsatnException e) {
            throw malformed("it is no JSON (" + e.getMessage() + ")");
        }
        if (!(value instanceof JsonObject object)) {
            throw malformed("it is no object");
        }
        Fields fields = new Fields(object);
        if (!fields.text("format").equals(FORMAT)) {
            throw malformed("its format is not " + FORMAT);
        }
        long version = fields.number("version");
        if (version != VERSION) {
            throw BackupFormat.invalid(BackupFormat.MANIFEST + " has format version " + version
                    + ", which a newer server wrote; restore it there");
        }
        Manifest manifest = new Manifest(
                fields.identity("database"), fields.identity("owner"), fields.texts("names"), fields.map("environment"),
                fields.identity("program"), fields.number("transactions"), fields.number("commit_micros"),
                fields.number("epoch"), fields.number("from"), fields.number("from_micros"), fields.number("created_micros"),
                fields.identity("created_by"), fields.text("server"), fields.files());
        manifest.check();
        return manifest;
    }

    private void check() {
        Set<String> all = new HashSet<>();
        long sum = 0;
        for (BackupFile file : files) {
            long snapshot = BackupFormat.snapshotOffset(file.name());
            long log = BackupFormat.transactionsFrom(file.name());
            if (snapshot < Math.max(from, 1) && log != from || snapshot > transactions) {
                throw malformed("it lists a file `" + file.name() + "`");
            }
            if (!all.add(file.name())) {
                throw malformed("it lists " + file.name() + " twice");
            }
            if (sum > Long.MAX_VALUE - file.bytes()) {
                throw malformed("its files are too large");
            }
            sum += file.bytes();
        }
        if (!all.contains(BackupFormat.snapshotName(transactions))) {
            throw malformed("it has no snapshot of its last state");
        }
        if (from > transactions || from < transactions && !all.contains(BackupFormat.transactionsName(from))
                || from > 0 && !all.contains(BackupFormat.snapshotName(from))) {
            throw malformed("it has not the files that lead from " + from + " transactions to " + transactions);
        }
    }

    private static RuntimeException malformed(String problem) {
        return BackupFormat.invalid(BackupFormat.MANIFEST + " is malformed: " + problem);
    }

    /** Members of an object, each with its type. Unknown ones are left alone. */
    private record Fields(JsonObject object) {

        private <T extends JsonValue> T get(String name, Class<T> type) {
            JsonValue value = object.get(name).orElseThrow(() -> malformed("it has no `" + name + "`"));
            if (!type.isInstance(value)) {
                throw malformed("`" + name + "` is a " + value.kind());
            }
            return type.cast(value);
        }

        String text(String name) {
            return get(name, JsonString.class).value();
        }

        long number(String name) {
            JsonNumber number = get(name, JsonNumber.class);
            try {
                long value = Long.parseLong(number.text());
                if (value >= 0) {
                    return value;
                }
            } catch (NumberFormatException e) {
                // Refused below.
            }
            throw malformed("`" + name + "` is not a whole number from 0 on");
        }

        Identity identity(String name) {
            try {
                return Identity.fromHex(text(name));
            } catch (IllegalArgumentException e) {
                throw malformed("`" + name + "` is no identity");
            }
        }

        List<String> texts(String name) {
            List<String> texts = new ArrayList<>();
            for (JsonValue item : get(name, JsonArray.class).items()) {
                if (!(item instanceof JsonString text)) {
                    throw malformed("`" + name + "` has a " + item.kind());
                }
                texts.add(text.value());
            }
            return texts;
        }

        Map<String, String> map(String name) {
            Map<String, String> map = new TreeMap<>();
            for (JsonValue.Member member : get(name, JsonObject.class).members()) {
                if (!(member.value() instanceof JsonString text) || map.put(member.name(), text.value()) != null) {
                    throw malformed("`" + name + "` has no text, or two, for `" + member.name() + "`");
                }
            }
            return map;
        }

        List<BackupFile> files() {
            List<BackupFile> files = new ArrayList<>();
            for (JsonValue item : get("files", JsonArray.class).items()) {
                if (!(item instanceof JsonObject file) || files.size() == FILES_MAX) {
                    throw malformed("`files` are no files, or more than " + FILES_MAX);
                }
                Fields fields = new Fields(file);
                files.add(new BackupFile(fields.text("name"), fields.number("bytes"), fields.text("sha256")));
            }
            return files;
        }
    }
}
