package dev.geodesic.web.mcp;

import dev.geodesic.sats.JsonWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The tools, and how they are described to agents. */
enum Tool {

    LIST_DATABASES("list_databases", "List databases", "Names and identities of the databases that you own.", true),
    PING("ping", "Ping", "Answers at once, with your message if you send one: to see whether the server is there.", true,
            new Parameter("message", "string", "What to send back.", false)),
    GET_SCHEMA("get_schema", "Get schema",
            "Types, tables, and reducers of a database, as JSON. Read it before you write statements or calls.", true),
    SQL("sql", "Run SQL",
            "Runs one SQL statement and answers with its columns and rows as JSON. Only the owner may change rows this way.",
            false,
            new Parameter("sql", "string", "One statement.", true),
            new Parameter("confirmed", "boolean", "Whether to wait until what it says is on disk; true unless given.", false)),
    CALL("call", "Call function",
            "Calls a reducer or procedure of the module as you, which is how data are usually changed.", false,
            new Parameter("reducer", "string", "Name of the reducer or procedure.", true),
            new Parameter("args", "array", "Its arguments in their order, such as [\"ann\", 42]; none unless given.", false));

    private static final Parameter DATABASE = new Parameter("database", "string", "Name or identity of the database.", true);

    private final String id;
    private final String title;
    private final String description;
    private final boolean isReadOnly;
    private final List<Parameter> parameters;

    /** One named argument of a tool. */
    private record Parameter(String name, String type, String description, boolean isRequired) {
    }

    Tool(String id, String title, String description, boolean isReadOnly, Parameter... parameters) {
        this.id = id;
        this.title = title;
        this.description = description;
        this.isReadOnly = isReadOnly;
        this.parameters = List.of(parameters);
    }

    String id() {
        return id;
    }

    /** Tools of the whole server, or those of one database, which need not be told which. */
    static List<Tool> all(boolean ofServer) {
        return Arrays.stream(values()).filter(tool -> ofServer || tool != LIST_DATABASES).toList();
    }

    /** Whether it works in a database. */
    boolean usesDatabase() {
        return this != PING && this != LIST_DATABASES;
    }

    void describe(JsonWriter json, boolean ofServer) {
        List<Parameter> all = new ArrayList<>(parameters);
        if (ofServer && usesDatabase()) {
            all.add(DATABASE);
        }
        json.beginObject().key("name").string(id).key("description").string(description)
                .key("inputSchema").beginObject().key("type").string("object").key("properties").beginObject();
        for (Parameter parameter : all) {
            json.key(parameter.name()).beginObject().key("type").string(parameter.type())
                    .key("description").string(parameter.description()).endObject();
        }
        json.endObject();
        if (all.stream().anyMatch(Parameter::isRequired)) {
            json.key("required").beginArray();
            all.stream().filter(Parameter::isRequired).forEach(parameter -> json.string(parameter.name()));
            json.endArray();
        }
        json.endObject().key("annotations").beginObject()
                .key("title").string(title)
                .key("readOnlyHint").bool(isReadOnly)
                .key("destructiveHint").bool(!isReadOnly)
                .key("openWorldHint").bool(false).endObject().endObject();
    }
}
