"""The call protocol's promises, for any implementation of `jackfield.contracts.protocols.CallProtocol`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.contracts.protocols import AnswerText, CallOpened, CallProtocol, Presentation
from jackfield.contracts.tools import CallMode, ToolChoice, ToolResult
from jackfield.errors import InvalidRequest
from jackfield.messages import Call, Message, Provenance
from jackfield.testing.recognised_calls import TOOLS, calls_of, events, reasons_of, text_of

AUTO, NONE, MUST = ToolChoice(), ToolChoice(mode="none"), ToolChoice(mode="required")
ASKED = (Message.of("system", "Be brief."), Message.of("user", "Play something, please."))
MODES: tuple[CallMode, ...] = ("sync", "parallel", "async")
PLAIN = "Nothing to call here: 1 < 2, [a], {b}, `c`.\n\n```python\nprint({})\n```\nThat is all."

arguments_made = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
drawn = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class CallProtocolContract:
    """Override `protocol`."""

    @pytest.fixture
    def protocol(self) -> CallProtocol:
        """The protocol."""
        raise NotImplementedError("override `protocol` with a fixture that gives the call protocol")

    @pytest.mark.parametrize("in_template", [True, False])
    @pytest.mark.parametrize("mode", MODES)
    def test_the_tools_are_shown_and_the_conversation_stays(
        self, protocol: CallProtocol, mode: CallMode, in_template: bool
    ) -> None:
        shown = presented(protocol, ASKED, mode=mode, in_template=in_template)
        text = "".join(message.text for message in shown.messages)
        assert shown.in_template <= in_template
        assert shown.in_template or all(tool.name in text and tool.description in text for tool in TOOLS)
        assert shown.messages[0].text.startswith("Be brief.")
        assert shown.messages[-1] == ASKED[-1]
        assert all(text for text in (*shown.parks_at, *(text for pair in shown.blocks for text in pair)))

    def test_what_a_protocol_adds_is_the_systems(self, protocol: CallProtocol) -> None:
        for message in presented(protocol, ASKED[1:]).messages:
            assert all(span.provenance == "system" for span in message.spans) or message == ASKED[1]

    def test_without_a_choice_to_call_no_tool_is_shown(self, protocol: CallProtocol) -> None:
        shown = presented(protocol, ASKED, choice=NONE)
        assert shown == Presentation(messages=ASKED)
        told = events(protocol.recogniser(TOOLS, choice=NONE), written(protocol, call()))
        assert not calls_of(told)

    def test_no_tools_are_no_error(self, protocol: CallProtocol) -> None:
        shown = protocol.presentation(ASKED, (), choice=AUTO, several=True, mode="async", template_shows_tools=True)
        assert shown == Presentation(messages=ASKED)
        assert events(protocol.recogniser((), choice=AUTO), PLAIN) == [AnswerText(PLAIN)]

    def test_a_tool_that_must_be_called_is_one_of_them(self, protocol: CallProtocol) -> None:
        with pytest.raises(InvalidRequest, match="'nope'") as refusal:
            presented(protocol, ASKED, choice=ToolChoice(name="nope"))
        assert refusal.value.parameter == "tool_choice"

    @pytest.mark.parametrize("choice", [MUST, ToolChoice(mode="required", name="play")])
    def test_where_a_call_is_a_must_the_answer_begins_with_one(
        self, protocol: CallProtocol, choice: ToolChoice
    ) -> None:
        shown = presented(protocol, ASKED, choice=choice)
        assert shown.reply_starts or shown.constraint
        assert reasons_of(events(protocol.recogniser(TOOLS, choice=choice))) or not shown.reply_starts

    @drawn
    @given(arguments=arguments_made)
    def test_earlier_calls_are_shown_as_the_recogniser_reads_them(
        self, protocol: CallProtocol, arguments: dict[str, Any]
    ) -> None:
        answer = written(protocol, call(arguments))
        assert calls_of(events(protocol.recogniser(TOOLS, choice=AUTO), answer)) == [("play", arguments)]

    @drawn
    @given(data=st.data())
    def test_pieces_of_any_length_tell_the_same(self, protocol: CallProtocol, data: st.DataObject) -> None:
        parts = st.sampled_from([PLAIN, written(protocol, call()), "\n", "text ", *protocol.markers])
        answer = "".join(data.draw(st.lists(parts, max_size=4)))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
        pieces = [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
        whole = events(protocol.recogniser(TOOLS, choice=AUTO), answer)
        assert events(protocol.recogniser(TOOLS, choice=AUTO), *pieces) == whole

    def test_calls_of_one_answer_have_names_of_their_own(self, protocol: CallProtocol) -> None:
        recogniser = protocol.recogniser(TOOLS, choice=AUTO)
        told = [*recogniser.feed(written(protocol, call(), call())), *recogniser.finish()]
        names = [event.identifier for event in told if isinstance(event, CallOpened)]
        assert len(set(names)) == 2
        assert all(name.startswith("call_") for name in names)

    def test_plain_text_is_told_as_it_is(self, protocol: CallProtocol) -> None:
        told = events(protocol.recogniser(TOOLS, choice=AUTO), PLAIN)
        assert told == [AnswerText(PLAIN)]

    def test_no_unknown_tool_is_ever_called(self, protocol: CallProtocol) -> None:
        answer = written(protocol, Call(identifier="call_0_a", tool="plays", arguments={}))
        told = events(protocol.recogniser(TOOLS, choice=AUTO), answer)
        assert not calls_of(told)
        assert "plays" in text_of(told) or "did you mean play?" in reasons_of(told)[0]

    def test_a_call_cut_short_is_no_call(self, protocol: CallProtocol) -> None:
        answer = written(protocol, call({"artist": "somebody"}))
        told = events(protocol.recogniser(TOOLS, choice=AUTO), answer[: answer.index("body")])
        assert not calls_of(told)
        assert len(reasons_of(told)) == 1

    @pytest.mark.parametrize("provenance", ["tool", "file", "remote"])
    def test_a_result_keeps_its_provenance(self, protocol: CallProtocol, provenance: Provenance) -> None:
        said = "the result itself"
        message = protocol.result(call(), ToolResult(text=said, provenance=provenance))
        assert message.role == "tool"
        assert message.answers == call().identifier
        conversation = (*ASKED, Message(role="assistant", spans=(), calls=(call(),)), message)
        for spans in (message.spans, presented(protocol, conversation).messages[-1].spans):
            assert [span.provenance for span in spans if said in span.text] == [provenance]
            assert all(span.provenance == "system" for span in spans if said not in span.text)

    def test_a_failure_is_told_as_one(self, protocol: CallProtocol) -> None:
        result, failure = (
            protocol.result(call(), ToolResult(text="No such song.", error=error)) for error in (False, True)
        )
        assert "No such song." in failure.text
        assert failure.text != result.text

    def test_results_follow_the_calls_they_answer(self, protocol: CallProtocol) -> None:
        one, other = call(), Call(identifier="call_0_b", tool="clock", arguments={})
        results = [protocol.result(each, ToolResult(text=f"<{each.tool}>")) for each in (one, other)]
        conversation = (*ASKED, Message(role="assistant", spans=(), calls=(one, other)), *results)
        for in_template in (True, False):
            shown = presented(protocol, conversation, in_template=in_template).messages
            text = "".join(message.text for message in shown)
            assert text.rindex('"artist"') < text.rindex("<play>") < text.rindex("<clock>")
            assert not any(message.calls for message in shown)


def presented(
    protocol: CallProtocol,
    messages: tuple[Message, ...],
    *,
    choice: ToolChoice = AUTO,
    mode: CallMode = "async",
    in_template: bool = False,
) -> Presentation:
    """A conversation with the tools under test."""
    return protocol.presentation(
        messages, TOOLS, choice=choice, several=True, mode=mode, template_shows_tools=in_template
    )


def call(arguments: dict[str, Any] | None = None) -> Call:
    """A call of the first tool."""
    return Call(identifier="call_0_a", tool="play", arguments={"artist": "A"} if arguments is None else arguments)


def written(protocol: CallProtocol, *calls: Call) -> str:
    """Calls as the model is shown that it wrote them."""
    made = Message(role="assistant", spans=(), calls=calls)
    return presented(protocol, (*ASKED, made, ASKED[-1])).messages[-2].text.lstrip("\n")
