"""Origins that travel with a run, and spans where nobody collects them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from jackfield.telemetry.origin import Origin, read_origin, request_id_of, trusted_parent
from jackfield.telemetry.otlp import OpenTelemetryTracer
from jackfield.telemetry.spans import (
    NO_SPAN,
    note_outage,
    runs_under_way,
    spans_begun_by,
    tracer,
    traces_sent,
    tracing,
)

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("origin", [Origin("req_1", PARENT), Origin("req_1", ""), Origin("", PARENT), Origin()])
def test_an_origin_is_read_as_it_was_written(origin: Origin) -> None:
    assert read_origin(str(origin)) == origin


def test_a_bare_traceparent_is_an_origin_too() -> None:
    assert read_origin(PARENT) == Origin("", PARENT)
    assert read_origin(None) == Origin()


@pytest.mark.parametrize(
    "offered",
    ["", "00-" + "0" * 32 + "-b7ad6b7169203331-01", PARENT.upper(), "ff" + PARENT[2:], PARENT + "-x", "00-1-2-01"],
)
def test_a_traceparent_that_is_not_well_formed_is_none(offered: str) -> None:
    assert trusted_parent(offered) == ""


@given(st.text())
def test_whatever_a_client_offers_an_id_has_no_space_and_no_line(offered: str) -> None:
    taken = request_id_of(offered)
    assert taken
    assert taken.isascii()
    assert taken.isprintable()
    assert " " not in taken


def test_nothing_is_begun_where_nobody_collects() -> None:
    with traces_sent("", service="test"):
        assert not tracing()
        assert tracer().begin("work", "server", {}) is NO_SPAN
        assert NO_SPAN.child("part", {}) is NO_SPAN
        assert NO_SPAN.traceparent == ""


def test_opentelemetry_is_imported_only_where_traces_are_sent() -> None:
    imports = "import sys, jackfield.cli.serve, jackfield.runs.lifecycle"
    code = f"{imports}; print(any('opentelemetry' in name for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_an_outage_is_an_event_of_every_run_under_way() -> None:
    exporter = InMemorySpanExporter()
    with spans_begun_by(OpenTelemetryTracer(SimpleSpanProcessor(exporter), service="test")):
        runs = [tracer().begin(name, "consumer", {}) for name in ("one", "two")]
        runs_under_way.update(runs)
        note_outage("database", "StateUnavailable")
        runs_under_way.difference_update(runs)
        note_outage("database", "StateUnavailable")
        for run in runs:
            run.end()
    for span in exporter.get_finished_spans():
        [event] = span.events
        assert event.name == "outage"
        assert dict(event.attributes or {}) == {"jackfield.outage": "database", "error.type": "StateUnavailable"}
