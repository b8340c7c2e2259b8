"""mcp.json: what people paste into it, and what they get wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import SettingsInvalid
from jackfield_plugins.mcp.configuration import (
    HttpServer,
    StdioServer,
    configuration_of,
    entries_of,
    read_configuration,
    server_of,
)
from jackfield_plugins.mcp.expansion import expanded

ENVIRONMENT = {"TOKEN": "t0k3n", "FOLDER": "/data"}


def test_a_program_and_an_address_are_read() -> None:
    pasted = {
        "files": {
            "command": "npx",
            "args": ["-y", "server-files", "${FOLDER}/in"],
            "env": {"KEY": "${TOKEN}"},
            "timeout": 5,
        },
        "far": {"type": "http", "url": "https://mcp.example/mcp", "headers": {"Authorization": "Bearer ${env:TOKEN}"}},
    }
    files, far = (server_of(name, entry, ENVIRONMENT) for name, entry in pasted.items())
    assert files == StdioServer(
        name="files", command="npx", args=("-y", "server-files", "/data/in"), env={"KEY": "t0k3n"}, timeout=5
    )
    assert far == HttpServer(name="far", url="https://mcp.example/mcp", headers={"Authorization": "Bearer t0k3n"})


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ([], "must be an object"),
        ({}, 'either a "command" to run or a "url"'),
        ({"command": "a", "url": "http://b"}, "and not both"),
        ({"command": ""}, '"command" is empty'),
        ({"command": ["npx", "x"]}, "expected `str`, got `array` - at `$.command`"),
        ({"command": "a", "args": "x y"}, "expected `array`, got `str` - at `$.args`"),
        ({"command": "a", "env": {"N": 1}}, "expected `str`, got `int`"),
        ({"command": "a", "arg": []}, '"arg" is unknown; did you mean "args"?'),
        ({"command": "a", "headers": {}}, '"headers" is unknown; it may have'),
        ({"command": "a", "name": "b"}, '"name" is unknown'),
        ({"command": "a", "alwaysAllow": ["x"]}, '"permissions": {"tool": "read"}'),
        ({"command": "a", "permissions": {"x": "all"}}, "invalid enum value 'all'"),
        ({"command": "a", "timeout": 60000}, '"timeout" is in seconds'),
        ({"command": "a", "timeout": 0}, '"timeout" is in seconds'),
        ({"command": "a", "timeout": "60"}, "expected `float`, got `str`"),
        ({"type": "sse", "url": "http://b"}, 'most such servers also take "http"'),
        ({"type": "carrier pigeon", "url": "http://b"}, 'must be "stdio" or "http"'),
        ({"type": "stdio", "url": "http://b"}, "does not go with"),
        ({"url": "b.example/mcp"}, "must begin with http:// or https://"),
        ({"url": "${NOWHERE}"}, "environment variable NOWHERE is not set"),
        ({"url": "http://b", "headers": {"A": "${input:key}"}}, "names no environment variable"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_server(entry: Any, sentence: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        server_of("mine", entry, ENVIRONMENT)
    assert sentence in caught.value.message
    assert caught.value.message.startswith("MCP server 'mine': ")
    assert caught.value.message.endswith((".", "?"))
    assert "\n" not in caught.value.message


def test_one_mistake_leaves_the_other_servers() -> None:
    found = configuration_of(
        {"good": {"command": "a"}, "bad": {"comand": "a"}, "off": {"command": "b", "disabled": True}}
    )
    assert [server.name for server in found.servers] == ["good", "off"]
    assert list(found.faults) == ["bad"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not valid JSON"),
        ("{", "is not valid JSON"),
        ("[]", "names no MCP servers"),
        ("{}", "names no MCP servers"),
        ('{"mcpServers": []}', "names no MCP servers"),
    ],
)
def test_a_file_that_is_none_says_what_it_should_be(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(SettingsInvalid, match=sentence) as caught:
        read_configuration(path)
    assert str(path) in caught.value.message


def test_no_file_is_no_servers(tmp_path: Path) -> None:
    assert read_configuration(tmp_path / "mcp.json").servers == ()


def test_what_visual_studio_code_writes_is_read() -> None:
    assert entries_of('{"inputs": [], "servers": {"a": {"command": "b"}}}', "it") == {"a": {"command": "b"}}


def test_variables_may_have_defaults() -> None:
    assert expanded(["${TOKEN:-none}", "${ABSENT:-none}", "${ABSENT:-}", "$TOKEN", 3], ENVIRONMENT) == [
        "t0k3n",
        "none",
        "",
        "$TOKEN",
        3,
    ]


@given(st.text())
def test_any_text_is_expanded_or_refused_in_a_sentence(text: str) -> None:
    with suppress(SettingsInvalid):
        assert expanded(text, {}) == text or "${" in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["command", "args", "url", "env", "type"]), inner)
        ),
    )
)
def test_any_entry_is_read_or_refused_in_a_sentence(entry: Any) -> None:
    found = configuration_of({"any": json.loads(json.dumps(entry))})
    assert len(found.servers) + len(found.faults) == 1
