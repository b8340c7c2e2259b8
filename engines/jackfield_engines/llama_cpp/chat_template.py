"""A conversation as the text that a model was trained to continue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog
from jinja2 import TemplateError, TemplateSyntaxError

from jackfield.contracts.engine import ToolSchema
from jackfield.errors import EngineFailure, InvalidRequest
from jackfield.messages import Message, transcript
from jackfield_engines.llama_cpp.template_sandbox import (
    LONGEST_VALUE,
    TemplateOverrun,
    TemplateRefusal,
    TemplateSandbox,
)

log = structlog.get_logger()

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")


class ChatTemplate(Protocol):
    """Shows conversations in one model's form. Any thread."""

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str: ...


class JinjaChatTemplate:
    """A model's own template, compiled once; `with_tools` is its other template for when there are tools, if any."""

    def __init__(self, source: str, special_tokens: Mapping[str, str], *, with_tools: str | None = None) -> None:
        self._sandbox = sandbox = TemplateSandbox()
        self._special_tokens = dict(special_tokens)
        self._template = sandbox.from_string(source)
        self._with_tools = sandbox.from_string(with_tools) if with_tools else self._template

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str:
        """The conversation; raises InvalidRequest with the template's own sentence where it refuses."""
        template = self._with_tools if tools else self._template
        self._sandbox.begin_rendering()
        try:
            return "".join(
                _bounded(
                    template.generate(
                        **self._special_tokens,
                        messages=[_as_template_sees(message) for message in messages],
                        tools=list(tools) or None,
                        documents=None,
                        add_generation_prompt=reply_starts,
                    )
                )
            )
        except TemplateRefusal as refusal:
            raise InvalidRequest(
                f"The model's chat template refuses this conversation: {_sentence(refusal)}", parameter="messages"
            ) from refusal
        except Exception as error:
            log.warning("chat template failed", reason=str(error), kind=type(error).__name__)
            raise EngineFailure(
                f"The model's chat template failed ({type(error).__name__}: {_sentence(error)}) "
                "Ask with a raw prompt, or use another file of this model."
            ) from error


class TranscriptTemplate:
    """Plain paragraphs, for models that were not trained to chat."""

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str:
        """`role: text` paragraphs; raises InvalidRequest where tools are to be shown."""
        if tools:
            raise InvalidRequest("This model has no chat template, so it cannot be shown tools.", parameter="tools")
        return transcript(messages) + ("\n\nassistant:" if reply_starts else "")


class BrokenTemplate:
    """Stands for a template that does not compile; the model still completes raw prompts."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def render(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, reply_starts: bool) -> str:
        """Raises EngineFailure."""
        raise EngineFailure(
            f"The model's chat template cannot be read ({self._reason}); ask with a raw prompt, "
            "or use another file of this model."
        )


def chat_template(
    source: str | None, special_tokens: Mapping[str, str], *, with_tools: str | None, speaks_chatml: bool
) -> ChatTemplate:
    """The model's own template; without one, ChatML where the vocabulary has its tokens, else a plain transcript."""
    if source is None:
        log.info("model has no chat template", instead="ChatML" if speaks_chatml else "plain transcript")
        return JinjaChatTemplate(CHATML, special_tokens) if speaks_chatml else TranscriptTemplate()
    try:
        return JinjaChatTemplate(source, special_tokens, with_tools=with_tools)
    except TemplateSyntaxError as error:
        reason = f"line {error.lineno}: {error.message}"
        log.warning("chat template does not compile", reason=reason)
        return BrokenTemplate(reason)


def _as_template_sees(message: Message) -> dict[str, Any]:
    seen = {"role": message.role, "content": message.text}
    return seen if message.name is None else {**seen, "name": message.name}


def _bounded(pieces: Any) -> Any:
    """The pieces of a rendering, up to the limit."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LONGEST_VALUE:
            raise TemplateOverrun(f"a text of more than {LONGEST_VALUE:,} characters")
        yield piece


def _sentence(error: Exception) -> str:
    text = error.message if isinstance(error, TemplateError) and error.message else str(error)
    text = " ".join(text.split()) or "it gave no reason"
    return text if text.endswith((".", "!", "?")) else text + "."
