"""Jackfield: the panel that engines, tools, protocols, compressors, routers and file stores plug into."""

from jackfield.version import __version__

__all__ = ["__version__"]
