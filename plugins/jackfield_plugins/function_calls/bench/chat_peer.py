"""Another server's /v1/chat/completions, asked the same cases as our runs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from jackfield.decoding.bench.peer import open_http, peer_faults
from jackfield.errors import Unavailable
from jackfield.messages import Call
from jackfield_plugins.function_calls.bench.answers import Answer, digest
from jackfield_plugins.function_calls.bench.cases import Case
from jackfield_plugins.function_calls.bench.functions import OfferedTools

if TYPE_CHECKING:
    import httpx

PATH = "/v1/chat/completions"


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct):
    function: _Function
    id: str = ""


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Usage(msgspec.Struct):
    completion_tokens: int = 0


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage = msgspec.field(default_factory=_Usage)


class ChatPeer:
    """A server with OpenAI's chat completions; made by `open_chat_peer`."""

    name = "peer"

    def __init__(self, http: httpx.AsyncClient, address: str, model: str, max_tokens: int) -> None:
        self._http = http
        self._address = address
        self._model = model
        self._max_tokens = max_tokens
        self.conditions = f"{address} {model} {max_tokens}"

    async def answer(self, case: Case, offered: OfferedTools) -> Answer:
        """Its answer, not streamed; a refusal is a failed answer, and a server that is gone raises Unavailable."""
        began = time.perf_counter()
        with peer_faults(self._address):
            response = await self._http.post(PATH, json=self._body(case, offered))
            seconds = time.perf_counter() - began
            blank = Answer(case=case.id, server=self.name, conditions=digest(self, case), seconds=seconds)
            if response.status_code in (404, 405):
                raise Unavailable(f"The peer at {self._address} has no {PATH}.")
            if response.status_code != 200:
                said = " ".join(response.text.split())
                return msgspec.structs.replace(blank, failed=f"{response.status_code}: {said:.300}")
            return _answer(blank, msgspec.json.decode(response.content, type=_Completion))

    def _body(self, case: Case, offered: OfferedTools) -> dict[str, Any]:
        return {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.text} for message in case.messages],
            "tools": [_tool(tool.name, tool.description, tool.parameters) for tool in offered.tools],
            "temperature": 0,
            "max_tokens": self._max_tokens,
        }


@asynccontextmanager
async def open_chat_peer(address: str, model: str, max_tokens: int) -> AsyncIterator[ChatPeer]:
    """A server at an http address, not asked anything yet; raises InvalidRequest or MissingDependency."""
    async with open_http(address) as http:
        yield ChatPeer(http, address, model, max_tokens)


def _tool(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


def _answer(blank: Answer, completion: _Completion) -> Answer:
    message = completion.choices[0].message if completion.choices else _Message()
    calls: list[Call] = []
    broken: list[str] = []
    for place, each in enumerate(message.tool_calls or ()):
        try:
            arguments = msgspec.json.decode(each.function.arguments or "{}", type=dict[str, Any])
        except msgspec.MsgspecError as error:
            broken.append(f"{each.function.name}: {error}")
        else:
            calls.append(Call(identifier=each.id or str(place), tool=each.function.name, arguments=arguments))
    return msgspec.structs.replace(
        blank,
        calls=tuple(calls),
        broken=tuple(broken),
        text=message.content or "",
        tokens=completion.usage.completion_tokens,
    )
