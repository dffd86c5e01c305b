package dev.geodesic.web;

import dev.geodesic.ejb.ServerBean;
import dev.geodesic.ejb.ServerConfig;
import dev.geodesic.engine.database.Server;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;

/** Hands the engine itself to whoever injects it, so that requests pay for no proxy of the container. */
@ApplicationScoped
public class EngineProducer {

    @Inject
    private ServerBean bean;

    @Produces
    Server server() {
        return bean.server();
    }

    @Produces
    ServerConfig config() {
        return bean.config();
    }
}
