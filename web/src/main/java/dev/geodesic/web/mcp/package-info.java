/**
 * The Model Context Protocol, by which agents use databases as tools (spec/http-api.md section 7): JSON-RPC 2.0 messages in,
 * answers out. Knows nothing of HTTP: {@link dev.geodesic.web.mcp.McpServer} is given the text of a request, and does what a
 * tool asks for through {@link dev.geodesic.web.mcp.ToolBackend}, which acts for one caller with that caller's rights.
 */
package dev.geodesic.web.mcp;
