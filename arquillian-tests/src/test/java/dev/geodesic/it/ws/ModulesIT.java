package dev.geodesic.it.ws;

import java.io.File;
import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.importer.ZipImporter;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Everything a module may do ({@code samples/modules/features-*}), on one deployment of the shipped EAR. */
@ExtendWith(ArquillianExtension.class)
@Timeout(120)
class ModulesIT implements ScheduleTests, ViewTests, ProcedureTests, HandlerTests, SecurityTests, LifecycleTests,
        EventTableTests, ContainmentTests, RepublishTests {

    @Deployment(testable = false)
    static EnterpriseArchive ear() {
        return ShrinkWrap.create(ZipImporter.class, "geodesic.ear")
                .importFrom(new File(System.getProperty("ear.file"))).as(EnterpriseArchive.class);
    }
}
