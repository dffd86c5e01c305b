package dev.geodesic.it.ws;

import java.io.File;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.importer.ZipImporter;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** One deployment of the shipped EAR for all tests of the package. */
@ExtendWith(ArquillianExtension.class)
@Timeout(60)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class WebSocketIT implements HandshakeTests, MessageTests, UpdateTests, ReplayTests, HostileTests, StormTests, IdleTests,
        ClientHabitTests, FrameTests, HistoryTests {

    @Deployment(testable = false)
    static EnterpriseArchive ear() {
        return ShrinkWrap.create(ZipImporter.class, "geodesic.ear")
                .importFrom(new File(System.getProperty("ear.file"))).as(EnterpriseArchive.class);
    }
}
