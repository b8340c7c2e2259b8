"""/v1/files: files that clients upload."""
