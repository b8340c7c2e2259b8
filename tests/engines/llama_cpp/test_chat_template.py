"""Chat templates: rendered as they were written to be, and kept from doing harm."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from jackfield.errors import EngineFailure, InvalidRequest
from jackfield.messages import Message
from jackfield_engines.llama_cpp.chat_template import ChatTemplate, JinjaChatTemplate, chat_template

TALK = (Message.of("system", "Be brief."), Message.of("user", "Hi <b>&amp; 'you'"))
TOOL = {"type": "function", "function": {"name": "clock", "description": "Gives the <time>", "parameters": {}}}
SMOLLM = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are SmolLM<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def of(source: str | None, *, with_tools: str | None = None, speaks_chatml: bool = False) -> ChatTemplate:
    """A template as a model would come with it."""
    tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    return chat_template(source, tokens, with_tools=with_tools, speaks_chatml=speaks_chatml)


def shown(source: str, messages: Sequence[Message] = TALK, *, tools: Sequence[dict[str, object]] = ()) -> str:
    """What a template makes of a conversation."""
    return of(source).render(messages, tools, reply_starts=True)


def test_a_models_own_template_is_rendered_as_it_was_trained() -> None:
    assert shown(SMOLLM) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <b>&amp; 'you'<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert of(SMOLLM).render(TALK[1:], (), reply_starts=False).endswith("'you'<|im_end|>\n")
    assert "You are SmolLM" in of(SMOLLM).render(TALK[1:], (), reply_starts=False)


def test_blocks_take_their_line_with_them() -> None:
    source = (
        "{% for m in messages %}\n    {% if m.role == 'user' %}\n{{ m.content }}\n    {% endif %}\n{% endfor %}\nend"
    )
    assert shown(source) == "Hi <b>&amp; 'you'\nend"


def test_loops_can_be_left_and_values_kept_in_a_namespace() -> None:
    source = (
        "{% set kept = namespace(last='') %}{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}"
        "{% set kept.last = m.content %}{% break %}{% endfor %}{{ kept.last }}"
    )
    assert shown(source) == "Hi <b>&amp; 'you'"


def test_tools_are_plain_json_in_their_own_order() -> None:
    source = "{% if tools %}{% for t in tools %}{{ t | tojson }}{% endfor %}{% else %}none{% endif %}"
    assert shown(source, tools=[TOOL]) == json.dumps(TOOL)
    assert shown(source) == "none"
    assert shown("{{ {'b': 'é<', 'a': 1} | tojson }}") == '{"b": "é<", "a": 1}'
    assert shown("{{ {'a': [1]} | tojson(indent=2) }}") == '{\n  "a": [\n    1\n  ]\n}'


def test_a_second_template_for_tools_is_used_where_there_are_tools() -> None:
    both = of("plain", with_tools="{{ tools | length }} tools")
    assert both.render(TALK, (), reply_starts=True) == "plain"
    assert both.render(TALK, [TOOL], reply_starts=True) == "1 tools"


def test_special_tokens_names_and_the_year_are_there() -> None:
    named = [Message.of("user", "Hi", name="Ada")]
    assert shown("{{ bos_token }}{{ messages[0].name }}{{ eos_token }}", named) == "<s>Ada</s>"
    assert shown("{{ messages[0].name is defined }}") == "False"
    assert int(shown("{{ strftime_now('%Y') }}")) >= 2025


def test_marks_for_training_change_nothing() -> None:
    assert shown("a{% generation %}b{{ messages | length }}{% endgeneration %}c") == "ab2c"


def test_a_template_that_refuses_is_quoted() -> None:
    source = "{{ raise_exception('Conversation roles must alternate user/assistant') }}"
    with pytest.raises(InvalidRequest, match="roles must alternate user/assistant") as refusal:
        shown(source)
    assert refusal.value.parameter == "messages"


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages[0].content.no.such.thing }}",
        "{{ 1 // 0 }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/passwd' %}",
        "{{ lipsum(n=100000) }}",
    ],
)
def test_a_template_that_fails_or_reaches_out_says_so(source: str) -> None:
    with pytest.raises(EngineFailure, match="chat template failed"):
        shown(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        pytest.param(
            "{% set count_round = 1 %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            marks=pytest.mark.slow,
        ),
        "{% macro twice(n) %}{% if n %}{{ twice(n - 1) }}{{ twice(n - 1) }}{% endif %}{% endmacro %}{{ twice(60) }}",
        "{{ 'x' * 10**9 }}",
        "{{ [0] * 10**9 }}",
        "{{ 9 ** 9999999 }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ 'x'.zfill(10**9) }}",
        "{{ ('\\t' * 10**6).expandtabs(10**6) }}",
        "{{ ('x' * 10**6).replace('x', 'y' * 10**6) }}",
        "{{ ('x' * 10**6) | replace('x', 'y' * 10**6) }}",
        "{{ ('x' * 10**6).join(['a'] * 10**6) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (10**9, 1) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x' | center(10**9) }}",
        "{{ 'x\\n' | indent(10**9) }}",
        "{{ [1] | tojson(indent=10**9) }}",
        "{% set ns = namespace(text='x') %}{% for i in range(60) %}{% set ns.text = ns.text ~ ns.text %}{% endfor %}",
        "{% for i in range(9999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{% set x = namespace(s='x') %}{% for i in range(99) %}{% set x.s = x.s + x.s %}{% endfor %}",
    ],
)
@pytest.mark.timeout(60)
def test_a_template_that_would_not_end_is_stopped(source: str) -> None:
    with pytest.raises(EngineFailure, match="chat template failed"):
        shown(source)


def test_a_rendering_is_counted_afresh_each_time() -> None:
    template = of("{% for i in range(90000) %}{% endfor %}done")
    assert {template.render(TALK, (), reply_starts=True) for _ in range(3)} == {"done"}


def test_a_template_that_does_not_compile_fails_only_chats() -> None:
    broken = of("{% for message in messages %}never closed")
    with pytest.raises(EngineFailure, match=r"cannot be read \(line 1: .*raw prompt"):
        broken.render(TALK, (), reply_starts=True)


def test_without_a_template_chatml_is_spoken_where_the_vocabulary_has_it() -> None:
    template = of(None, speaks_chatml=True)
    assert isinstance(template, JinjaChatTemplate)
    assert template.render(TALK[:1], (), reply_starts=True) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_without_both_the_conversation_is_a_transcript() -> None:
    template = of(None)
    assert template.render(TALK, (), reply_starts=True) == "system: Be brief.\n\nuser: Hi <b>&amp; 'you'\n\nassistant:"
    assert template.render(TALK[:1], (), reply_starts=False) == "system: Be brief."
    with pytest.raises(InvalidRequest, match="no chat template"):
        template.render(TALK, [TOOL], reply_starts=True)
