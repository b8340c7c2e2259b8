"""A conversation as token ids, in which no message can pass for a control token.

The model's template is rendered twice, once with a marker in the place of every text: what lies between markers is the
template's own and may hold control tokens; the texts are tokenized without any.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.contracts.engine import TokenEngine
from jackfield.errors import InvalidRequest
from jackfield.messages import Message, Span

_MARKER = "\ue0f0{}\ue0f1"


def chat_tokens(engine: TokenEngine, messages: Sequence[Message]) -> list[int]:
    """The prompt up to where the reply starts, with the model's begin token; raises InvalidRequest."""
    rendered = engine.render_chat(messages, (), reply_starts=True)
    segments = _template_segments(engine, messages, rendered)
    if segments is None:
        tokens = _whole_tokens(engine, messages, rendered)
    else:
        tokens = [token for text, is_template in segments for token in engine.tokenize(text, special=is_template)]
    return with_begin_token(engine, tokens)


def with_begin_token(engine: TokenEngine, tokens: list[int]) -> list[int]:
    """Tokens behind the begin token that the model wants, unless they have it already."""
    begin = engine.model.begin_token
    return tokens if begin is None or tokens[:1] == [begin] else [begin, *tokens]


def _template_segments(
    engine: TokenEngine, messages: Sequence[Message], rendered: str
) -> list[tuple[str, bool]] | None:
    """The rendered text cut into template and message parts; None where the template changes what messages say."""
    markers = [_MARKER.format(place) for place in range(len(messages))]
    marked = [_with_text(message, marker) for message, marker in zip(messages, markers, strict=True)]
    skeleton = engine.render_chat(marked, (), reply_starts=True)
    if any(skeleton.count(marker) != 1 for marker in markers):
        return None
    for texts in ([message.text for message in messages], [message.text.strip() for message in messages]):
        segments = _woven(skeleton, markers, texts)
        if segments and "".join(text for text, _ in segments) == rendered:
            return segments
    return None


def _woven(skeleton: str, markers: Sequence[str], texts: Sequence[str]) -> list[tuple[str, bool]] | None:
    segments: list[tuple[str, bool]] = []
    for marker, text in zip(markers, texts, strict=True):
        before, found, skeleton = skeleton.partition(marker)
        if not found:
            return None
        segments += [(before, True), (text, False)]
    segments.append((skeleton, True))
    return [(text, is_template) for text, is_template in segments if text]


def _whole_tokens(engine: TokenEngine, messages: Sequence[Message], rendered: str) -> list[int]:
    """The rendered text in one piece, which is safe only while no message spells a control token."""
    for message in messages:
        if engine.tokenize(message.text, special=True) != engine.tokenize(message.text, special=False):
            raise InvalidRequest(
                f"A {message.role} message spells one of this model's control tokens, and its chat template "
                "rewrites messages, so the two cannot be kept apart; take it out of the text.",
                parameter="messages",
            )
    return engine.tokenize(rendered, special=True)


def _with_text(message: Message, text: str) -> Message:
    return msgspec.structs.replace(message, spans=(Span(text, message.role),))
