package dev.geodesic.web.mcp;

/**
 * What a tool says.
 *
 * @param text for the agent: JSON or plain
 * @param isError whether the tool failed at what it was asked
 */
public record ToolResult(String text, boolean isError) {
}
