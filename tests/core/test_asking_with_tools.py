"""`jackfield ask -t` and `jackfield chat -t`: answers that calls lead to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jackfield.testing.installation import Installation
from jackfield.testing.terminal import at_terminal

pytestmark = pytest.mark.slow
SUM = '@calculator {"expression":"6*7"}'


def test_a_question_may_be_answered_with_calls(calling: Installation) -> None:
    asked = calling.run("ask", "-t", "calculator", f"{SUM};;It is RESULT.")
    assert (asked.returncode, asked.stdout) == (0, "It is 42.\n")
    assert asked.stderr.startswith("  · calculator(expression='6*7') ✓ ")
    told = json.loads(calling.run("ask", "--json", "-t", "calculator", f"{SUM};;RESULT").stdout)
    assert (told["answer"], told["calls"][0]["result"]) == ("42", "42")


def test_a_question_waits_for_approval_too(calling: Installation) -> None:
    asked = calling.run("ask", "-t", "fetch", '@fetch {"text":"news"};;RESULT')
    assert (asked.returncode, asked.stdout) == (3, "")
    run = asked.stderr.partition("jackfield runs approve ")[2].partition("`")[0]
    assert calling.run("runs", "approve", run).stdout == "news\n"


def test_grants_without_tools_are_refused(calling: Installation, tmp_path: Path) -> None:
    for command in (("ask", "hello"), ("chat",)):
        refused = calling.run(*command, "--folder", str(tmp_path))
        assert refused.returncode == 2
        assert "name some with --tool" in refused.stderr


def test_a_conversation_keeps_the_answers_that_calls_led_to(calling: Installation) -> None:
    chat = calling.run("chat", "-t", "calculator", typed=f"{SUM};;It is RESULT.\nThanks\n")
    assert (chat.returncode, chat.stdout) == (0, "It is 42.\nThanks\n")
    assert "· calculator(expression='6*7') ✓" in chat.stderr
    again = calling.run("chat", "-c", typed="Bye\n")
    assert "assistant: It is 42." in again.stderr
    run = json.loads(calling.run("runs", "list", "--limit", "1", "--json").stdout)[0]
    answer = run["request"]["messages"][1]
    assert answer == {"role": "assistant", "spans": [{"text": "It is 42.", "provenance": "tool"}]}


def test_a_turn_that_waits_is_not_kept_and_shows_in_the_exit_code(calling: Installation) -> None:
    chat = calling.run("chat", "-t", "fetch", typed='@fetch {"text":"news"};;RESULT\nHello\n')
    assert (chat.returncode, chat.stdout) == (3, "Hello\n")
    assert "This conversation does not keep the turn." in chat.stderr
    assert "user: Hello" in (said := calling.run("chat", "-c", typed="").stderr)
    assert "@fetch" not in said


def test_a_chat_asks_at_the_terminal(calling: Installation) -> None:
    with at_terminal(calling.environment, "chat", "-t", "fetch") as terminal:
        terminal.wait_for("> ")
        terminal.type('Hm. @fetch {"text":"news"};;So: RESULT\n')
        terminal.wait_for("Allow fetch(text='news')?")
        terminal.wait_for("in this run:")
        terminal.type("y\n")
        terminal.wait_for("So: news\n")
        terminal.wait_for("> ")
        terminal.type("Bye\n")
        terminal.wait_for("Bye\n")
        terminal.wait_for("Bye\n")
        terminal.wait_for("> ")
        terminal.type("/exit\n")
        assert terminal.ended() == 0
