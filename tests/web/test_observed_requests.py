"""What a server does around every request: ids, spans, figures."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from jackfield.logs import configure_logs
from jackfield.telemetry.otlp import OpenTelemetryTracer
from jackfield.telemetry.spans import spans_begun_by

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def figures(served: Any) -> dict[tuple[str, ...], float]:
    """Samples by name and label values, those of the requests only."""
    text = (await served.client.get("/metrics")).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("jackfield_http")
    }


async def test_a_request_keeps_the_id_that_it_came_with(serving: Any) -> None:
    async with serving() as served:
        answer = await served.client.get("/healthz", headers={"x-request-id": "mine-1"})
        assert answer.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("offered", ["", "x" * 200, "two words", 'quote"', "-dash-first", "é"])
async def test_an_id_that_is_not_well_formed_is_replaced(offered: str, serving: Any) -> None:
    async with serving() as served:
        headers = {"x-request-id": offered.encode("latin-1")}
        answer = await served.client.get("/healthz", headers=headers)
        assert re.fullmatch(r"req_[0-9a-f]{23}", answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/healthz", "/no/such/address", "/v1/chat/completions"])
async def test_every_answer_has_an_id_of_its_own(path: str, serving: Any) -> None:
    async with serving() as served:
        ids = [(await served.client.get(path)).headers.get_list("x-request-id") for _ in range(2)]
        assert [len(each) for each in ids] == [1, 1]
        assert ids[0] != ids[1]


async def test_a_refusal_in_anthropics_words_has_one_id_everywhere(serving: Any) -> None:
    async with serving() as served:
        answer = await served.client.post("/v1/messages", json={"model": "none", "max_tokens": 1, "messages": []})
    ids = [answer.headers.get_list(name) for name in ("x-request-id", "request-id")]
    assert ids == [[answer.json()["request_id"]]] * 2


async def test_requests_are_counted_by_the_template_of_their_route(serving: Any) -> None:
    async with serving() as served:
        await served.chat()
        await served.chat(temperature="hot")
        await served.client.get("/api/runs/run_1")
        await served.client.get("/api/runs/run_2")
        await served.client.get("/wp-login.php")
        now = await figures(served)
    count = {key[1:]: value for key, value in now.items() if key[0] == "jackfield_http_request_seconds_count"}
    assert count["POST", "/v1/chat/completions", "200"] == 1
    assert count["POST", "/v1/chat/completions", "400"] == 1
    assert count["GET", "/api/runs/{run_id}", "404"] == 2
    assert count["GET", "unmatched", "404"] == 1
    assert now["jackfield_http_errors_total", "run_not_found", "/api/runs/{run_id}"] == 2
    assert now["jackfield_http_requests_open",] == 1  # the scrape itself
    buckets = [v for k, v in now.items() if k[0].endswith("_seconds_bucket") and "/api/runs/{run_id}" in k]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 2


async def test_a_request_and_its_run_are_one_trace_below_the_callers(serving: Any) -> None:
    exporter = InMemorySpanExporter()
    with spans_begun_by(OpenTelemetryTracer(SimpleSpanProcessor(exporter), service="test")):
        async with serving() as served:
            private = [{"role": "user", "content": "the launch code is swordfish"}]
            answer = await served.client.post(
                "/v1/chat/completions",
                json={"model": "scripted", "messages": private, "max_tokens": 50, "temperature": 0.5},
                headers={"traceparent": PARENT},
            )
            assert answer.status_code == 200
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans.keys() == {"POST", "chat scripted", "prefill", "decode"}
    request, run = spans["POST"], spans["chat scripted"]
    assert f"{request.context.trace_id:032x}" == PARENT.split("-")[1]
    assert f"{request.parent.span_id:016x}" == PARENT.split("-")[2]
    assert run.parent.span_id == request.context.span_id
    assert {spans[name].parent.span_id for name in ("prefill", "decode")} == {run.context.span_id}
    assert request.attributes["http.route"] == "/v1/chat/completions"
    assert request.attributes["http.response.status_code"] == 200
    usage = answer.json()["usage"]
    assert run.attributes["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
    assert run.attributes["gen_ai.usage.output_tokens"] == usage["completion_tokens"]
    assert run.attributes["gen_ai.request.model"] == "scripted"
    assert run.attributes["gen_ai.request.max_tokens"] == 50
    assert run.attributes["gen_ai.request.temperature"] == 0.5
    assert run.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert "swordfish" not in json.dumps([span.to_json() for span in spans.values()])


async def test_a_refusal_names_its_kind_in_its_span_and_not_its_words(serving: Any) -> None:
    exporter = InMemorySpanExporter()
    with spans_begun_by(OpenTelemetryTracer(SimpleSpanProcessor(exporter), service="test")):
        async with serving() as served:
            await served.chat(model="no-such-model")
    [span] = exporter.get_finished_spans()
    assert span.attributes["http.response.status_code"] == 404
    assert span.status.is_ok or span.status.status_code.name == "UNSET"


async def test_lines_of_a_run_name_it_and_its_request(serving: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving() as served:
        configure_logs("debug", "json")
        await served.client.post(
            "/v1/chat/completions",
            json={"model": "scripted", "messages": [{"role": "user", "content": "hello"}]},
            headers={"x-request-id": "mine-2"},
        )
        run = await served.newest_run()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    loading = next(line for line in lines if line["event"] == "loading model")
    assert (loading["request_id"], loading["run"]) == ("mine-2", run)
    [request] = [line for line in lines if line["event"] == "request" and line.get("path") == "/v1/chat/completions"]
    assert request["request_id"] == "mine-2"
