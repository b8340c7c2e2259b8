"""A peer's answers as they are written: calls that stand in the text of an answer that was given as no call."""

from __future__ import annotations

import msgspec

from jackfield.contracts.protocols import CallBroken, CallClosed, CallProtocol
from jackfield.contracts.tools import ToolChoice
from jackfield_plugins.function_calls.bench.answers import Answer
from jackfield_plugins.function_calls.bench.functions import OfferedTools


def reread(answer: Answer, offered: OfferedTools, protocol: CallProtocol) -> Answer:
    """An answer with the calls that our recogniser finds in its text; one that has calls stays as it is given."""
    if answer.calls or answer.broken or answer.failed:
        return answer
    recogniser = protocol.recogniser(offered.tools, choice=ToolChoice())
    found = (*recogniser.feed(answer.text), *recogniser.finish())
    return msgspec.structs.replace(
        answer,
        calls=tuple(each.call for each in found if isinstance(each, CallClosed)),
        broken=tuple(each.reason for each in found if isinstance(each, CallBroken)),
    )
