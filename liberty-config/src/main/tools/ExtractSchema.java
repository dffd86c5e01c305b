import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.database.SchemaExtractor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Prints what a module declares, as JSON and nothing else. Argument: the module. Needs the engine on the class path. */
public final class ExtractSchema {

    private ExtractSchema() {
    }

    public static void main(String[] args) throws IOException {
        try {
            System.out.write(SchemaExtractor.extract(Files.readAllBytes(Path.of(args[0]))));
            System.out.flush();
        } catch (EngineException e) {
            System.err.println(args[0] + ": " + e.getMessage());
            System.exit(1);
        }
        System.exit(0);
    }
}
