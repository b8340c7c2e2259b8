"""`jackfield chat` over a pipe. The scripted model says back every user message that it was told, so memory shows."""

from __future__ import annotations

from jackfield.testing.installation import Installation


def test_turns_are_kept_until_a_new_conversation_begins(machine: Installation) -> None:
    chat = machine.run("chat", typed="one\ntwo\n/new\nthree\n")
    assert chat.returncode == 0, chat.stderr
    assert chat.stdout.splitlines() == ["one", "one | two", "three"]
    assert "A new conversation." in chat.stderr


def test_commands_are_told_and_what_is_none_is_no_turn(machine: Installation) -> None:
    chat = machine.run("chat", typed="/help\n/bogus\n\none\n/exit\nnever said\n")
    assert (chat.returncode, chat.stdout) == (0, "one\n")
    assert "/new    begin a new conversation" in chat.stderr
    assert "There is no /bogus." in chat.stderr


def test_the_last_conversation_is_taken_up_again(machine: Installation) -> None:
    machine.run("chat", typed="one\n/new\ntwo\n")
    chat = machine.run("chat", "-c", typed="three\n")
    assert (chat.returncode, chat.stdout) == (0, "two | three\n")
    assert "user: two" in chat.stderr
    assert "user: one" not in chat.stderr


def test_there_must_be_a_conversation_to_take_up(machine: Installation) -> None:
    chat = machine.run("chat", "-c", typed="hello\n")
    assert (chat.returncode, chat.stdout) == (4, "")
    assert "no conversation to continue yet" in chat.stderr


def test_a_turn_that_is_too_long_spoils_nothing_but_shows_in_the_exit_code(machine: Installation) -> None:
    chat = machine.run("chat", typed=f"one\n{'x' * 600}\ntwo\n")
    assert chat.stdout.splitlines() == ["one", "one | two"]
    assert "tokens long and the model's context holds 512" in chat.stderr
    assert chat.returncode == 2


def test_a_model_that_is_not_here_is_refused_before_anything_is_said(machine: Installation) -> None:
    chat = machine.run("chat", "-m", "none", typed="hello\n")
    assert (chat.returncode, chat.stdout) == (4, "")
    assert "Model 'none' is not installed" in chat.stderr


def test_what_an_answer_was_given_of_memory_is_told_below_it(machine: Installation) -> None:
    machine.run("memory", "add", "My dog is called Rex.")
    chat = machine.run("chat", "--memory", typed="What is my dog called?\n")
    assert "Rex" in chat.stdout  # the model says back what it was given
    assert "[1] remembered as mem_" in chat.stderr
