"""Every error has OpenAI's shape and the right status."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jackfield import errors
from jackfield.events import Failed
from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield_web.bodies import MAX_BODY_BYTES
from jackfield_web.errors import error_of, problem_of

CHAT = "/v1/chat/completions"


def error_in(response: Any) -> dict[str, Any]:
    """The error of a response, after a look at its shape."""
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert list(body) == ["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    detail: dict[str, Any] = body["error"]
    return detail


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest("x"), 400),
        (errors.UnknownParameter("x"), 400),
        (errors.ContextOverflow(prompt_tokens=2, context_length=1), 400),
        (errors.ConstraintUnsupported("x"), 400),
        (errors.ModelNotFound("x"), 404),
        (errors.RunNotFound("x"), 404),
        (errors.NameTaken("x"), 409),
        (errors.RunCancelled("x"), 409),
        (errors.RunElsewhere("x"), 409),
        (errors.ArgumentsInvalid("x"), 400),
        (errors.ToolNotFound("x"), 404),
        (errors.CallDenied("x"), 403),
        (errors.LimitReached("x"), 422),
        (errors.LoopDetected("x"), 422),
        (errors.ToolFailure("x"), 502),
        (errors.RetryLater("x"), 502),
        (errors.ToolTimeout("x"), 504),
        (errors.ModelLoading("x"), 503),
        (errors.Overloaded("x"), 503),
        (errors.ShuttingDown("x"), 503),
        (errors.StateUnavailable("x"), 503),
        (errors.DiskFull("x"), 507),
        (errors.ModelTooLarge("x"), 507),
        (errors.ModelFileInvalid("x"), 500),
        (errors.EngineFailure("x"), 500),
        (errors.PluginError("x"), 500),
        (errors.MissingDependency("x"), 500),
        (errors.JackfieldError("x"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_branch_of_the_tree_has_its_status(error: errors.JackfieldError, status: int) -> None:
    problem = problem_of(error)
    assert problem.status == status
    assert problem.body.error.code == error.code
    assert ("retry-after" in problem.headers) == (status == 503)
    assert (problem.headers.get("x-should-retry") == "false") == (status in (409, 502, 504))


def test_an_error_says_when_to_try_again() -> None:
    assert problem_of(errors.Overloaded("x", retry_after=17)).headers == {"retry-after": "17"}


def test_a_failed_run_is_the_error_that_it_failed_with() -> None:
    overflow = error_of(Failed(code="context_length_exceeded", message="too long", parameter="messages"))
    loading = error_of(Failed(code="model_loading", message="wait", retry_after=9))
    unknown = error_of(Failed(code="from_a_plugin", message="odd"))
    assert isinstance(overflow, errors.ContextOverflow)
    assert (overflow.message, overflow.parameter) == ("too long", "messages")
    assert problem_of(loading).headers == {"retry-after": "9"}
    assert problem_of(unknown).status == 500
    assert problem_of(unknown).body.error.message == "odd"


async def test_an_unknown_address_is_a_404(served: Any) -> None:
    response = await served.client.get("/v1/nothing")
    assert response.status_code == 404
    assert error_in(response)["code"] == "not_found"


async def test_the_wrong_method_is_a_405_that_names_the_right_one(served: Any) -> None:
    response = await served.client.get(CHAT)
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]
    assert "POST" in error_in(response)["message"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_a_body_that_is_not_json_by_name_is_a_415(served: Any, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = await served.client.post(CHAT, content=b"{}", headers=headers)
    assert response.status_code == 415
    assert "application/json" in error_in(response)["message"]


async def test_json_may_have_a_charset(served: Any) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    body = msgspec.json.encode({"model": "scripted", "messages": [{"role": "user", "content": "hello"}]})
    assert (await served.client.post(CHAT, content=body, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "no body"),
        (b"{", "not valid JSON"),
        (b'{"model": "a",}', "byte"),
        (b'{"model": NaN}', "byte 10"),
        (b'{"model": "a", "messages": [{"role": "user", "content": "x"}]} {}', "byte 64"),
        (b'{"model": "\xff"}', "byte 11"),
        (b"[]", "expected `object`, got `array`"),
        (b"null", "expected `object`, got `null`"),
        (
            b'{"model":"m","messages":[{"role":"user","content":"x"}],"json_schema":' + b"[" * 100_000,
            "nested too deeply",
        ),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_bytes_that_are_no_json_are_a_400_with_the_place(served: Any, body: bytes, part: str) -> None:
    response = await served.client.post(CHAT, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert part in error_in(response)["message"]


async def test_a_body_that_is_too_large_is_a_413(serving: Any) -> None:
    async with serving() as served:
        headers = {"Content-Type": "application/json"}
        announced = await served.client.post(CHAT, content=b" " * (MAX_BODY_BYTES + 1), headers=headers)
        alive = await served.chat()
    assert announced.status_code == 413
    assert "32 MiB" in error_in(announced)["message"]
    assert alive.status_code == 200


async def test_a_body_that_grows_too_large_is_a_413(served: Any) -> None:
    async def endless_body() -> Any:
        for _ in range(34):
            yield b" " * 1024 * 1024

    response = await served.client.post(CHAT, content=endless_body(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413


async def test_what_nobody_expected_is_a_500_without_a_traceback(
    served: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    del served.client._transport.app.state.workbench
    response = await served.client.get("/v1/models")
    error = error_in(response)
    identifier = next(word for word in error["message"].split() if word.startswith("error_")).rstrip(".")
    assert response.status_code == 500
    assert error["code"] == "internal_error"
    assert "Traceback" not in response.text
    assert identifier in capsys.readouterr().out


async def test_a_full_queue_is_a_503_that_says_when_to_come_back(serving: Any) -> None:
    def narrow() -> ScriptedEngine:
        return ScriptedEngine()

    async with serving(narrow, runs={"queue_limit": 1}) as served:
        responses = [await served.complete(prompt=["a"] * 100, max_tokens=200)]
    assert {response.status_code for response in responses} == {503}
    assert error_in(responses[0])["code"] == "overloaded"
    assert int(responses[0].headers["retry-after"]) > 0
