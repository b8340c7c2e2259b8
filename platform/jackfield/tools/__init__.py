"""Tools: made from functions, run with limits, approved, and kept from commanding."""

from jackfield.tools.function_tool import FunctionTool, tool

__all__ = ["FunctionTool", "tool"]
