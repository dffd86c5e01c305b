package dev.geodesic.engine.schema;

/**
 * A function that answers HTTP requests.
 *
 * @param id position among the handlers; what the guest is called with
 * @param name canonical name
 * @param accessor name in the module's source
 */
public record HttpHandlerDef(int id, String name, String accessor) {
}
