"""/api/runs."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from jackfield.events import RunEvent
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless


def numbered_events(stream: str) -> list[tuple[int, RunEvent]]:
    """Identifiers and events of a stream."""
    events = []
    for block in stream.removesuffix("\n\n").split("\n\n"):
        number, data = block.split("\n")
        assert number.startswith("id: ")
        events.append((int(number[4:]), msgspec.json.decode(data.removeprefix("data: "), type=RunEvent)))
    return events


async def test_a_run_is_shown_as_it_is_on_record(served: Any) -> None:
    await served.chat()
    run_id = await served.newest_run()
    body = (await served.client.get(f"/api/runs/{run_id}")).json()
    assert (body["id"], body["state"], body["request"]["model"]) == (run_id, "finished", "scripted")


async def test_a_run_that_ended_is_replayed(served: Any) -> None:
    await served.chat()
    run_id = await served.newest_run()
    response = await served.client.get(f"/api/runs/{run_id}/events")
    events = numbered_events(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [number for number, _ in events] == list(range(1, len(events) + 1))
    assert all(event.number == number for number, event in events)
    assert events[-1][1].final
    assert not any(event.final for _, event in events[:-1])


async def test_a_reader_goes_on_after_the_event_it_had(served: Any) -> None:
    await served.chat()
    run_id = await served.newest_run()
    whole = numbered_events((await served.client.get(f"/api/runs/{run_id}/events")).text)
    headers = {"Last-Event-ID": "3"}
    rest = await served.client.get(f"/api/runs/{run_id}/events", headers=headers)
    assert numbered_events(rest.text) == whole[3:]


async def test_a_reader_that_has_everything_gets_an_empty_stream(served: Any) -> None:
    await served.chat()
    run_id = await served.newest_run()
    response = await served.client.get(f"/api/runs/{run_id}/events", headers={"Last-Event-ID": "9999"})
    assert (response.status_code, response.text) == (200, "")


async def test_a_live_run_is_followed_to_its_end_by_any_number(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(endless, timing=Timing(per_pass=0.005))) as served:
        asking = asyncio.create_task(served.chat(max_tokens=30))
        run_id = await served.newest_run()
        path = f"/api/runs/{run_id}/events"
        ahead = {"Last-Event-ID": "9999"}
        early = await asyncio.gather(served.client.get(path), served.client.get(path))
        nothing = await served.client.get(path, headers=ahead)
        await asking
        late = await served.client.get(path)
    assert early[0].text == early[1].text == late.text
    assert nothing.text == ""


async def test_a_reader_that_leaves_does_not_stop_the_run(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(endless, timing=Timing(per_pass=0.005))) as served:
        asking = asyncio.create_task(served.chat(max_tokens=60))
        run_id = await served.newest_run()
        async with served.client.stream("GET", f"/api/runs/{run_id}/events") as response:
            async for _ in response.aiter_lines():
                break
        assert (await asking).status_code == 200


async def test_cancelling_stops_a_run_and_tells_whether_it_ran(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(endless, timing=Timing(per_pass=0.005))) as served:
        asking = asyncio.create_task(served.chat())
        run_id = await served.newest_run()
        first = await served.client.post(f"/api/runs/{run_id}/cancel")
        response = await asking
        again = await served.client.post(f"/api/runs/{run_id}/cancel")
    assert (first.json(), again.json()) == ({"cancelled": True}, {"cancelled": False})
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "run_cancelled"


async def test_runs_that_are_not_there_are_not_found(served: Any) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        response = await served.client.request(method, f"/api/runs/run_nope{path}")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "run_not_found"


async def test_an_event_number_that_is_none_is_refused(served: Any) -> None:
    await served.chat()
    run_id = await served.newest_run()
    for number in ("x", "-1"):
        response = await served.client.get(f"/api/runs/{run_id}/events", headers={"Last-Event-ID": number})
        assert response.status_code == 400
        assert "last" in response.json()["error"]["message"].lower()


@pytest.mark.parametrize("fields", [{}, {"stream": True}, {"n": 2}])
async def test_an_answer_names_its_runs(served: Any, fields: dict[str, Any]) -> None:
    response = await served.chat(**fields)
    run_ids = response.headers["x-jackfield-run"].split(", ")
    assert len(run_ids) == fields.get("n", 1)
    for run_id in run_ids:
        assert (await served.client.get(f"/api/runs/{run_id}")).json()["state"] == "finished"
