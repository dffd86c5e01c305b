package dev.geodesic.web;

import jakarta.ws.rs.ApplicationPath;
import jakarta.ws.rs.core.Application;

/** Every HTTP route lies under {@code /v1} ({@code spec/http-api.md} 1). */
@ApplicationPath("/v1")
public class GeodesicApplication extends Application {
}
