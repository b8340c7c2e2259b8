"""The model of one run: conversations in, sequences out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.protocols import CallProtocol, Presentation
from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import Constraint
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription
from jackfield.decoding.handle import SequenceHandle
from jackfield.events import Usage
from jackfield.messages import Message, Span
from jackfield.models.residency import ModelResidency
from jackfield.runs.assembly import assembled
from jackfield.runs.prompt_tokens import chat_tokens, template_shows_tools

if TYPE_CHECKING:
    from jackfield.decoding.loop import DecodeLoop

Cover = Callable[[Usage], Awaitable[None]]
"""Sets aside the most that an answer may take; raises BudgetExceeded."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer is asked for: the conversation, what may be called in it, and the answer's shape.

    `influences` are the tainted spans that are behind the conversation.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolDescription, ...] = ()
    choice: ToolChoice = ToolChoice()
    several: bool = True
    mode: CallMode = "async"
    constraint: Constraint | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    influences: tuple[Span, ...] = ()


class RunModel:
    """Loads the model where it is not loaded; it may give way to others whenever nothing is decoded."""

    def __init__(
        self, residency: ModelResidency, request: RunRequest, model: InstalledModel, adapter: InstalledModel | None
    ) -> None:
        self._residency = residency
        self._request = request
        self._model = model
        self._adapter = adapter
        self._decoder: DecodeLoop | None = None

    @property
    def name(self) -> str:
        """The installed model's."""
        return self._model.name

    async def presentation(self, protocol: CallProtocol, asked: Asked) -> Presentation:
        """The conversation as a protocol shows it to this model."""
        async with self._residency.decoder_held(self._model) as decoder:
            shows = bool(asked.tools) and await asyncio.to_thread(template_shows_tools, decoder.engine)
        return protocol.presentation(
            asked.messages,
            asked.tools,
            choice=asked.choice,
            several=asked.several,
            mode=asked.mode,
            template_shows_tools=shows,
        )

    async def submit(self, asked: Asked, shown: Presentation, cover: Cover) -> tuple[SequenceHandle, int]:
        """A sequence that answers, and its prompt's tokens; raises InvalidRequest, ContextOverflow, BudgetExceeded."""
        request = msgspec.structs.replace(
            self._request,
            messages=shown.messages,
            constraint=asked.constraint,
            max_tokens=asked.max_tokens,
            stop=asked.stop,
        )
        async with self._residency.decoder_held(self._model) as decoder:
            decode = await asyncio.to_thread(
                assembled, request, self._model, decoder.engine, self._adapter, shown=shown, tools=asked.tools
            )
            self._decoder = decoder
            await cover(Usage(prompt_tokens=len(decode.prompt), completion_tokens=decode.max_tokens))
            return decoder.submit(decode), len(decode.prompt)

    def injectable(self, text: str) -> list[int]:
        """Text as tokens for the sequence under way, in which it can spell no control token."""
        if self._decoder is None:
            raise AssertionError("text is injected into a sequence that was submitted")
        return self._decoder.engine.tokenize(text, special=False)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """How many tokens a conversation takes up to where the reply starts."""
        async with self._residency.decoder_held(self._model) as decoder:
            return len(await asyncio.to_thread(chat_tokens, decoder.engine, messages))

    async def text_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each of several texts takes, in which none can spell a control token."""
        async with self._residency.decoder_held(self._model) as decoder:
            tokenize = partial(decoder.engine.tokenize, special=False)
            return await asyncio.to_thread(lambda: [len(tokenize(text)) for text in texts])

    async def context_length(self) -> int:
        """The longest conversation, answer included, in tokens."""
        async with self._residency.decoder_held(self._model) as decoder:
            return decoder.context_length
