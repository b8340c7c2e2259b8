"""llama.cpp's log lines, on their way to ours."""

from __future__ import annotations

import threading

import structlog
from structlog.testing import capture_logs

from jackfield_engines.llama_cpp.diagnostic import LlamaCppDiagnostic
from jackfield_engines.llama_cpp.log_capture import CONTINUED, DEBUG, ERROR, INFO, WARNING, Complaint, LogCapture


def test_levels_are_one_lower_than_llama_cpps_own() -> None:
    logs = LogCapture()
    with capture_logs() as lines:
        for level in (DEBUG, INFO, WARNING, ERROR):
            logs.receive(level, f"line of level {level}\n".encode())
    assert [(line["log_level"], line["line"]) for line in lines] == [
        ("debug", "line of level 2"),
        ("info", "line of level 3"),
        ("warning", "line of level 4"),
    ]


def test_lines_that_come_in_parts_are_put_together() -> None:
    logs = LogCapture()
    with capture_logs() as lines:
        for level, text in ((ERROR, b"the first "), (CONTINUED, b"and the rest\n"), (INFO, b"."), (INFO, b"....\n")):
            logs.receive(level, text)
        logs.receive(ERROR, b"two\n - lines \xff\n")
        logs.receive(ERROR, None)
    assert [line["line"] for line in lines] == ["the first and the rest", "two - lines \ufffd"]


def test_complaints_go_to_the_call_that_caused_them() -> None:
    logs = LogCapture()
    structlog.reset_defaults()
    with capture_logs() as lines, logs.complaints() as complaints:
        logs.receive(INFO, b"chatter\n")
        logs.receive(WARNING, b"odd\n")
        other = threading.Thread(target=logs.receive, args=(ERROR, b"elsewhere\n"))
        other.start()
        other.join()
        with logs.complaints() as inner:
            logs.receive(ERROR, b"within\n")
        logs.receive(ERROR, b"broken\n")
    assert complaints == [Complaint("odd", error=False), Complaint("broken", error=True)]
    assert inner == [Complaint("within", error=True)]
    assert [line["line"] for line in lines if line["log_level"] == "warning"] == ["elsewhere"]


def test_the_doctor_hears_of_the_library_and_the_machine() -> None:
    library, machine = LlamaCppDiagnostic().examine()
    assert (library.health, machine.health) == ("ok", "ok")
    assert library.detail.startswith("llama-cpp-python 0.3.")
    assert "CPU: " in library.detail
    assert "cores" in machine.detail
    assert "available" in machine.detail
