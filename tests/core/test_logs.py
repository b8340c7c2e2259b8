"""Log lines as a process writes them: their form, and what they never hold."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from jackfield.log_secrets import HIDDEN, without_secrets
from jackfield.logs import configure_logs

KEY = "sk-jf-0123456789abcdefghijklmnopqrstuv"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_json_and_carries_what_was_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        structlog.get_logger().info("asked", model="starter", tokens=3)
    structlog.get_logger().debug("too quiet")
    [line] = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "asked", "level": "info", "model": "starter", "tokens": 3, "request_id": "req_1"}


def test_libraries_write_in_the_same_form_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", "json")
    configure_logs("info", "json")
    logging.getLogger("celery.worker").warning("cannot reach redis://:hunter22@redis:6379/0 (%s)", "refused")
    logging.getLogger("celery.worker").info("not ours to tell")
    [line] = lines(capsys)
    assert line["event"] == f"cannot reach redis://:{HIDDEN}@redis:6379/0 (refused)"
    assert (line["logger"], line["level"]) == ("celery.worker", "warning")


def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "console")
    structlog.get_logger().info("loading model", model="starter", api_key=KEY)
    written = capsys.readouterr().err
    assert "loading model" in written
    assert "starter" in written
    assert KEY not in written
    assert "\x1b" not in written


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_error_tells_where_but_no_values_and_no_secrets(form: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", form)
    hidden_value = "what somebody asked in private"
    try:
        raise ValueError(f"postgresql://jackfield:hunter22@postgres/db said no to {KEY}")
    except ValueError:
        structlog.get_logger().exception("failed")
    written = capsys.readouterr().err
    assert "ValueError" in written
    assert "hunter22" not in written
    assert KEY not in written
    assert hidden_value not in written.replace('hidden_value = "what somebody asked in private"', "")


@pytest.mark.parametrize(
    "field",
    ["password", "Authorization", "cookie", "Set-Cookie", "oidc_client_secret", "x-api-key", "csrf", "new_password"],
)
def test_fields_named_for_secrets_are_hidden_at_any_depth(field: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    structlog.get_logger().info("asked", headers={field: "abc123", "accept": "text/plain"}, **{field: ["abc123"]})
    [line] = lines(capsys)
    assert line["headers"] == {field: HIDDEN, "accept": "text/plain"}
    assert line[field] == [HIDDEN]


def test_what_only_sounds_like_a_secret_stays(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    structlog.get_logger().info("the key is named 'password reset'", tokens=12, key="key_01", hint="sk-jf-01ab")
    [line] = lines(capsys)
    assert (line["tokens"], line["key"], line["hint"]) == (12, "key_01", "sk-jf-01ab")
    assert line["event"] == "the key is named 'password reset'"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"key {KEY} is unknown", f"key sk-jf-{HIDDEN} is unknown"),
        ("Authorization: Bearer abc.def-ghi", f"Authorization: {HIDDEN}"),
        ("sent Basic dXNlcjpwYXNz, next", f"sent Basic {HIDDEN}, next"),
        ("Cookie: session=abc; csrf=def", f"Cookie: {HIDDEN}"),
        ("postgresql+psycopg://jackfield:p%40ss@db:5432/x", f"postgresql+psycopg://jackfield:{HIDDEN}@db:5432/x"),
        ("redis://:topsecret@redis:6379/0 is away", f"redis://:{HIDDEN}@redis:6379/0 is away"),
        ("host=db user=jackfield password=hunter22 dbname=x", f"host=db user=jackfield password={HIDDEN} dbname=x"),
        ("{'client_secret': 'abc', 'a': 1}", f"{{'client_secret': '{HIDDEN}', 'a': 1}}"),
        ("http://127.0.0.1:5225/v1 and user@example.org", "http://127.0.0.1:5225/v1 and user@example.org"),
    ],
)
def test_secrets_are_hidden_in_text(text: str, hidden: str) -> None:
    assert without_secrets(text) == hidden


@given(st.text(), st.from_regex(r"sk-jf-[A-Za-z0-9_-]{20,60}", fullmatch=True), st.text())
def test_no_key_outlives_any_text_around_it(before: str, key: str, after: str) -> None:
    assert key.removeprefix("sk-jf-") not in without_secrets(f"{before} {key} {after}")


@given(st.dictionaries(st.text(max_size=8), st.text(), max_size=4))
def test_a_json_line_stays_json(fields: dict[str, str]) -> None:
    json.loads(without_secrets(json.dumps({"event": "password=abc Bearer x.y", **fields})))
