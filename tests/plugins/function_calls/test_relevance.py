"""Which tools a cautious answer is shown."""

from __future__ import annotations

import pytest

from jackfield.contracts.tools import ToolChoice, ToolDescription
from jackfield.messages import Message
from jackfield_plugins.function_calls.cautious import CautiousProtocol

BODY_MASS = ToolDescription(
    name="determine_body_mass_index",
    description="Calculate body mass index given weight and height.",
    parameters={
        "type": "object",
        "properties": {
            "weight": {"type": "number", "description": "Weight of the individual in kilograms."},
            "height": {"type": "number", "description": "Height of the individual in meters."},
        },
    },
)
FREE = ToolChoice()


def shows_tools(*messages: Message, choice: ToolChoice = FREE) -> bool:
    shown = CautiousProtocol().presentation(
        messages, [BODY_MASS], choice=choice, several=True, mode="async", template_shows_tools=False
    )
    return shown.constraint is not None


def test_a_tool_that_is_asked_for_is_shown() -> None:
    assert shows_tools(Message.of("user", "What is the body mass index of a man of 80 kilograms and 1.8 meters?"))


@pytest.mark.parametrize(
    "question", ["What is the closest star to the sun?", "Who wrote the play Macbeth, and in which year was it?"]
)
def test_a_tool_that_has_nothing_to_do_with_the_question_is_not(question: str) -> None:
    assert not shows_tools(Message.of("user", question))


def test_what_is_asked_in_another_language_is_no_reason_to_hide_a_tool() -> None:
    assert shows_tools(Message.of("user", "Was ist in Paris am Wetter so besonders?"))


def test_a_call_that_must_be_made_can_be_made() -> None:
    question = Message.of("user", "What is the closest star to the sun?")
    assert shows_tools(question, choice=ToolChoice(mode="required"))
    assert shows_tools(question, choice=ToolChoice(name=BODY_MASS.name))


def test_tools_stay_once_one_was_called() -> None:
    asked = Message.of("user", "What is the closest star to the sun?")
    assert shows_tools(asked, Message.of("tool", "Proxima Centauri"))
