"""For plugin authors and for us: a scripted engine, in-memory stores, a temporary workbench, contract suites."""
