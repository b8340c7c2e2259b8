"""Calls that cannot be broken."""

from __future__ import annotations

from jackfield_plugins.function_calls.native import NativeProtocol


class ConstrainedProtocol(NativeProtocol):
    """What `native` recognises."""

    name = "constrained"
