package dev.geodesic.it;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.jboss.arquillian.container.test.api.Testable;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.asset.StringAsset;
import org.jboss.shrinkwrap.api.importer.ZipImporter;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.jboss.shrinkwrap.api.spec.WebArchive;

/** The EAR as it is shipped, and a web module beside the others for tests that run inside. */
final class Ear {

    /** Where the deployed EAR answers; of use outside of the container only. */
    static final URI SERVER = URI.create("http://localhost:" + System.getProperty("test.http.port") + "/");

    private static final String BEANS = """
            <beans xmlns="https://jakarta.ee/xml/ns/jakartaee" version="4.1" bean-discovery-mode="all"/>
            """;
    private static final String MODULE = """
              <module><web><web-uri>tests.war</web-uri><context-root>/tests</context-root></web></module>
            </application>
            """;

    private Ear() {
    }

    /** The shipped EAR plus the given test classes, which find the chat module as the resource {@code /chat.wasm}. */
    static EnterpriseArchive with(Class<?>... tests) {
        EnterpriseArchive ear = ShrinkWrap.create(ZipImporter.class, "geodesic.ear")
                .importFrom(new File(System.getProperty("ear.file"))).as(EnterpriseArchive.class);
        String modules = text(ear, "META-INF/application.xml");
        WebArchive war = ShrinkWrap.create(WebArchive.class, "tests.war").addClass(Ear.class).addClasses(tests)
                .addAsResource(new File("../samples/chat/module/chat.wasm"), "chat.wasm")
                .addAsWebInfResource(new StringAsset(BEANS), "beans.xml");
        ear.addAsModule(Testable.archiveToTest(war));
        ear.setApplicationXML(new StringAsset(modules.replace("</application>", MODULE)));
        return ear;
    }

    private static String text(EnterpriseArchive ear, String path) {
        try (InputStream in = ear.get(path).getAsset().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
