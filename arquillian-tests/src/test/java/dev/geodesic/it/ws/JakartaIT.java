package dev.geodesic.it.ws;

import org.jboss.arquillian.container.test.api.Deployment;
import org.jboss.arquillian.junit5.ArquillianExtension;
import org.jboss.shrinkwrap.api.spec.EnterpriseArchive;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What depends on the transport again, over the container's own WebSockets: a run of its own, with the setting for them. */
@ExtendWith(ArquillianExtension.class)
@Timeout(60)
@Tag("jakarta")
class JakartaIT implements HandshakeTests, MessageTests, HostileTests {

    @Deployment(testable = false)
    static EnterpriseArchive ear() {
        return WebSocketIT.ear();
    }
}
