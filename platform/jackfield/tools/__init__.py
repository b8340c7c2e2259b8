"""Tools: made from functions, run with limits, approved, and kept from commanding."""
