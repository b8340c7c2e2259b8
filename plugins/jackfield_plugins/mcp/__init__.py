"""Tools of MCP servers, and Jackfield's tools for MCP clients."""
