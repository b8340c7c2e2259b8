"""The program that runs one test file among a run's other files, wherever Python can be run."""

from __future__ import annotations

import json
from collections.abc import Mapping

_PROGRAM = """\
import importlib.util, inspect, json, os, runpy, sys, unittest

def lay_out(files):
    for path, content in files.items():
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)

def suite_of(path):
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    for each, value in list(vars(module).items()):
        if each.startswith("test") and inspect.isfunction(value) and not inspect.signature(value).parameters:
            suite.addTest(unittest.FunctionTestCase(value))
    return suite

def run(path):
    suite = suite_of(path)
    if not suite.countTestCases():
        runpy.run_path(path, run_name="__main__")
        return
    result = unittest.TestResult()
    suite.run(result)
    for test, trace in result.failures + result.errors:
        print(f"FAILED {test.id()}\\n{trace}")
    if not result.wasSuccessful():
        sys.exit(1)

os.makedirs("files", exist_ok=True)
os.chdir("files")
sys.path[:0] = [os.path.dirname(os.path.abspath(TEST)), os.getcwd()]
lay_out(FILES)
run(TEST)
"""


def trial_program(files: Mapping[str, str], test: str) -> str:
    """Python code; it ends with status 1 where a unittest case, a `test…` function or the file itself fails."""
    given = f"TEST = {test!r}\nFILES = __import__('json').loads({json.dumps(files)!r})\n"
    return given + _PROGRAM
