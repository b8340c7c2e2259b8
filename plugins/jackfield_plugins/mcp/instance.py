"""This process, as it calls itself to MCP servers: one that is itself must not ask itself without end."""

from __future__ import annotations

from jackfield.identifiers import new_identifier

STARTED_BY_US = "STARTED_AS_MCP_SERVER_BY_JACKFIELD"
"""A variable that programs find set that we start."""

INSTANCE = new_identifier("jackfield")
INSTANCE_HEADER = b"x-jackfield-instance"

OWN_QUESTION = 508
"""HTTP's status for a loop, which our server answers to our own questions."""
