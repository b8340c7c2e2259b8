"""What a chat request says of tools and of calls that were made, and each refusal of what makes no sense."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from jackfield.contracts.runs import RunLimits, RunRequest
from jackfield.contracts.tools import ToolChoice
from jackfield.errors import JackfieldError
from jackfield.messages import Call
from jackfield_web.bodies import decoded
from jackfield_web.chat.requests import ChatRequest, chat_runs
from jackfield_web.errors import problem_of

USER = {"role": "user", "content": "What is the weather in Paris?"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "The weather of a city.", "parameters": CITY}
TOOL = {"type": "function", "function": WEATHER}
CLOCK = {"type": "function", "function": {"name": "clock"}}
NAMED = {"type": "function", "function": {"name": "weather"}}


def call(identifier: str = "call_1", arguments: str = '{"city": "Paris"}', **more: Any) -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": "weather", "arguments": arguments}, **more}


def calling(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def result(identifier: str = "call_1", text: str = "sunny", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": text, **more}


def asked(**fields: Any) -> RunRequest:
    """The run that a chat request of one message starts, unless the fields say otherwise."""
    body = {"model": "scripted", "messages": [USER], **fields}
    (run,) = chat_runs(decoded(msgspec.json.encode(body), ChatRequest))
    return run


def test_tools_reach_the_run_as_the_callers() -> None:
    use = asked(tools=[TOOL, CLOCK]).tools
    assert use is not None
    weather, clock = use.callers
    assert (weather.name, weather.description, weather.parameters) == ("weather", "The weather of a city.", CITY)
    assert clock.parameters == {"type": "object", "properties": {}}
    assert asked(**with_parameters({})).tools.callers[0].parameters == clock.parameters  # type: ignore[union-attr]
    assert use.choice == ToolChoice()
    assert use.several
    assert use.names == ()


def test_a_chat_without_tools_uses_none() -> None:
    unused: list[dict[str, Any]] = [{}, {"tools": []}, {"tool_choice": "none"}, {"tool_choice": "auto", "tools": None}]
    for fields in unused:
        assert asked(**fields).tools is None


@pytest.mark.parametrize(
    ("option", "choice"),
    [
        ("none", ToolChoice(mode="none")),
        ("auto", ToolChoice()),
        ("required", ToolChoice(mode="required")),
        (NAMED, ToolChoice(mode="required", name="weather")),
    ],
)
def test_a_choice_among_tools(option: Any, choice: ToolChoice) -> None:
    use = asked(tools=[TOOL, CLOCK], tool_choice=option, parallel_tool_calls=False).tools
    assert use is not None
    assert use.choice == choice
    assert not use.several


def test_the_older_form_says_the_same_of_one_call() -> None:
    use = asked(functions=[WEATHER], function_call={"name": "weather"}).tools
    assert use is not None
    assert use.callers == asked(tools=[TOOL]).tools.callers  # type: ignore[union-attr]
    assert use.choice == ToolChoice(mode="required", name="weather")
    assert not use.several


def test_a_strict_function_is_held_to_its_schema_while_it_is_written() -> None:
    strict = {"type": "function", "function": {**WEATHER, "strict": True}}
    assert asked(tools=[strict]).tools.protocol == "constrained"  # type: ignore[union-attr]
    assert asked(tools=[TOOL]).tools.protocol == ""  # type: ignore[union-attr]
    assert asked(tools=[TOOL], call_protocol="native").tools.protocol == "native"  # type: ignore[union-attr]


def test_tools_that_are_run_here_come_with_what_is_granted_and_how_far_to_go() -> None:
    run = asked(
        server_tools=["calculator", "web_fetch"],
        allow=["network"],
        call_protocol="interrupts",
        call_mode="async",
        agent="tool_loop",
        limits={"steps": 4, "seconds": 2.5},
    )
    assert run.tools is not None
    assert run.tools.names == ("calculator", "web_fetch")
    assert run.tools.allowed == ("network",)
    assert (run.tools.protocol, run.tools.mode, run.tools.approval) == ("interrupts", "async", "ask")
    assert run.tools.folder is None
    assert run.agent == "tool_loop"
    assert run.limits == RunLimits(steps=4, seconds=2.5)
    assert asked(server_tools=["clock"], limits={"tokens": 9}).limits == RunLimits(steps=32, tokens=9)


def test_a_prediction_is_a_text_to_copy_from() -> None:
    parts = [{"type": "text", "text": "def f():"}, {"type": "text", "text": " pass"}]
    assert asked(prediction={"type": "content", "content": "x = 1"}).references == ("x = 1",)
    assert asked(prediction={"type": "content", "content": parts}).references == ("def f(): pass",)
    assert asked(prediction=None).references == asked(prediction={"type": "content", "content": ""}).references == ()


def test_calls_and_their_results_are_part_of_the_conversation() -> None:
    said = calling(call(), call("call_2", ""), content="One moment.")
    messages = asked(messages=[USER, said, result("call_2", "noon"), result(), USER]).messages
    assert messages[1].text == "One moment."
    assert messages[1].calls == (
        Call(identifier="call_1", tool="weather", arguments={"city": "Paris"}),
        Call(identifier="call_2", tool="weather", arguments={}),
    )
    assert [(each.answers, each.text, each.name) for each in messages[2:4]] == [
        ("call_2", "noon", "weather"),
        ("call_1", "sunny", "weather"),
    ]
    assert [span.provenance for each in messages[2:4] for span in each.spans] == ["tool", "tool"]


def test_a_call_needs_no_text_and_an_identifier_may_come_again_once_it_was_answered() -> None:
    history = [USER, calling(call()), result(), calling(call(), content=""), result()]
    messages = asked(messages=history).messages
    assert [message.spans for message in messages if message.calls] == [(), ()]
    assert [message.answers for message in messages] == [None, None, "call_1", None, "call_1"]


def test_the_older_form_answers_by_name() -> None:
    made = {"role": "assistant", "function_call": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    answer = {"role": "function", "name": "weather", "content": "rain"}
    messages = asked(messages=[USER, made, answer, made, answer]).messages
    (first,), (second,) = messages[1].calls, messages[3].calls
    assert (first.tool, first.arguments) == ("weather", {"city": "Rome"})
    assert first.identifier != second.identifier
    assert [messages[2].answers, messages[4].answers] == [first.identifier, second.identifier]
    assert messages[2].role == "tool"


def with_parameters(parameters: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]}


SCHEMA = "tools[0].function.parameters"
HISTORY = "messages[1]"
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (with_parameters("city"), SCHEMA, "expected `object | null`"),
    (with_parameters([]), SCHEMA, "expected `object | null`"),
    (with_parameters({"type": "strnig"}), SCHEMA, '"type": "object"'),
    (with_parameters({"type": "object", "properties": {"a": {"type": 5}}}), SCHEMA, "5"),
    (with_parameters({"type": "array"}), SCHEMA, "object"),
    ({"functions": [{"name": "f", "parameters": {"type": 7}}]}, "functions[0].parameters", '"type": "object"'),
    ({"tools": [TOOL, CLOCK, TOOL]}, "tools[2].function.name", "both 'weather'"),
    ({"functions": [WEATHER, WEATHER]}, "functions[1].name", "both 'weather'"),
    ({"tools": [{"type": "function", "function": {"name": "no spaces"}}]}, "tools[0].function.name", "no spaces"),
    ({"tools": [{"type": "function", "function": {"name": "x" * 65}}]}, "tools[0].function.name", "64"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "missing"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "missing"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type", "'custom', expected one of function"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type", "'web_search'"),
    ({"tools": [{"type": "function", "name": "f"}]}, "tools[0].name", "known are function, type"),
    ({"tools": {"weather": TOOL}}, "tools", "expected `array | null`"),
    ({"tools": ["weather"]}, "tools[0]", "expected `object`"),
    ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice", "expected one of"),
    ({"tools": [TOOL], "tool_choice": "weather"}, "tool_choice", "expected one of"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "wether"}}},
        "tool_choice.function.name",
        "there are weather",
    ),
    ({"tool_choice": NAMED}, "tool_choice.function.name", "there are none"),
    ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.type", "'allowed_tools'"),
    ({"tool_choice": "required"}, "tool_choice", "no tools to call"),
    ({"functions": [WEATHER], "function_call": {"name": "clock"}}, "function_call.name", "there are weather"),
    ({"functions": [WEATHER], "tools": [TOOL]}, "functions", "older form"),
    ({"functions": [WEATHER], "tool_choice": "auto"}, "functions", "older form"),
    ({"tools": [TOOL], "function_call": "auto"}, "function_call", "older form"),
    ({"tools": [TOOL], "server_tools": ["clock"]}, "server_tools", "cannot use both yet"),
    ({"functions": [WEATHER], "server_tools": ["clock"]}, "server_tools", "cannot use both yet"),
    ({"tools": [TOOL], "agent": "tool-loop"}, "agent", "as 'server_tools'"),
    ({"server_tools": ["clock", "clock"]}, "server_tools[1]", "both 'clock'"),
    ({"server_tools": "clock"}, "server_tools", "expected `array | null`"),
    ({"server_tools": ["clock"], "allow": ["everything"]}, "allow[0]", "expected one of execute, network, read, write"),
    ({"allow": ["network"]}, "allow", "needs tools"),
    ({"tools": [TOOL], "allow": ["network"]}, "allow", "run here"),
    ({"call_mode": "async"}, "call_mode", "needs tools"),
    ({"call_protocol": "native"}, "call_protocol", "needs tools"),
    ({"tools": [TOOL], "call_mode": "fast"}, "call_mode", "expected one of async, parallel, sync"),
    (
        {"tools": [{"type": "function", "function": {**WEATHER, "strict": True}}], "call_protocol": "native"},
        "call_protocol",
        "'weather' is strict",
    ),
    ({"server_tools": ["clock"], "folder": "/"}, "folder", "known are"),
    ({"limits": {"steps": 3}}, "limits", "needs tools"),
    ({"limits": {"steps": 0}}, "limits.steps", ">= 1"),
    ({"limits": {"seconds": -1}}, "limits.seconds", "> 0"),
    ({"limits": {"minutes": 1}}, "limits.minutes", "known are"),
    ({"prediction": {"type": "guess", "content": "x"}}, "prediction.type", "'guess'"),
    ({"prediction": {"type": "content"}}, "prediction.content", "missing"),
    ({"prediction": {"type": "content", "content": []}}, "prediction.content", "no parts"),
    ({"messages": [USER, result()]}, f"{HISTORY}.tool_call_id", "no assistant message before it"),
    ({"messages": [result(), calling(call())]}, "messages[0].tool_call_id", "no assistant message before it"),
    ({"messages": [USER, calling(call()), result("call_2")]}, "messages[2].tool_call_id", "'call_2'"),
    ({"messages": [USER, calling(call()), result(), result()]}, "messages[3].tool_call_id", "answered before"),
    ({"messages": [USER, calling(call()), result(name="clock")]}, "messages[2].name", "is of 'weather'"),
    ({"messages": [USER, {"role": "tool", "content": "x"}]}, f"{HISTORY}.tool_call_id", "missing"),
    ({"messages": [USER, calling(call()), result(text=None)]}, "messages[2].content", "missing"),  # type: ignore[arg-type]
    ({"messages": [USER, calling()]}, f"{HISTORY}.content", "missing"),
    ({"messages": [USER, calling(call(), call())]}, f"{HISTORY}.tool_calls[1].id", "another call's"),
    ({"messages": [USER, calling(call(""))]}, f"{HISTORY}.tool_calls[0].id", "length >= 1"),
    ({"messages": [USER, calling({"id": "1"})]}, f"{HISTORY}.tool_calls[0].function", "missing"),
    ({"messages": [USER, calling(call(type="custom"))]}, f"{HISTORY}.tool_calls[0].type", "'custom'"),
    *(
        ({"messages": [USER, calling(call(arguments=text))]}, f"{HISTORY}.tool_calls[0].function.arguments", "object")
        for text in ('{"city": "Par', "[]", "null", "Paris", "[" * 5000)
    ),
    ({"messages": [{**USER, "tool_calls": [call()]}]}, "messages[0].tool_calls", "role 'assistant'"),
    (
        {"messages": [USER, calling(call(), function_call={"name": "f", "arguments": "{}"})]},
        f"{HISTORY}.function_call",
        "give one of them",
    ),
    ({"messages": [USER, {"role": "function", "name": "f", "content": "x"}]}, f"{HISTORY}.name", "makes one"),
    ({"messages": [USER, {"role": "function", "content": "x"}]}, f"{HISTORY}.name", "missing"),
]


@pytest.mark.parametrize(("fields", "parameter", "part"), REFUSED, ids=lambda value: str(value)[:60])
def test_it_is_refused_with_a_sentence_that_names_the_parameter(
    fields: dict[str, Any], parameter: str, part: str
) -> None:
    with pytest.raises(JackfieldError) as refused:
        asked(**fields)
    problem = problem_of(refused.value)
    assert problem.status == 400
    assert refused.value.parameter == parameter
    assert part in refused.value.message


async def test_a_refusal_is_an_answer_and_no_run(served: Any) -> None:
    response = await served.chat(tools=[TOOL, TOOL])
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "tools[1].function.name"
    assert not await served.workbench.runs.recent()


async def test_a_schema_that_is_nested_too_deeply_is_refused(served: Any) -> None:
    schema = '{"type":"object","properties":{"a":' * 500 + "{}" + "}}" * 500
    tools = '[{"type":"function","function":{"name":"f","parameters":' + schema + "}}]"
    body = '{"model":"scripted","messages":[{"role":"user","content":"x"}],"tools":' + tools + "}"
    response = await served.client.post(
        "/v1/chat/completions", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert "nested too deeply" in response.json()["error"]["message"]


def test_arguments_beyond_ascii_come_through() -> None:
    text = json.dumps({"city": "日本 🙂"}, ensure_ascii=False)
    (made,) = asked(messages=[USER, calling(call(arguments=text)), result()]).messages[1].calls
    assert made.arguments == {"city": "日本 🙂"}
