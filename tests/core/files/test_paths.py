"""One form for every path, and a sentence for what is no path."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import InvalidRequest
from jackfield.files.paths import checked_collection_name, checked_folder, checked_path, parents, path_key

PARTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf", "Zs"], exclude_characters="/\\."), min_size=1
)


@given(st.lists(PARTS.filter(lambda part: len(part) < 40), min_size=1, max_size=5).map("/".join))
def test_what_is_a_path_has_one_form(path: str) -> None:
    if path[1:3] == ":/":
        return
    checked = checked_path(path)
    assert checked == unicodedata.normalize("NFC", path)
    assert checked_path(checked) == checked
    assert checked_path(unicodedata.normalize("NFD", path)) == checked
    assert checked_folder(f"{path}/") == checked
    assert path_key(checked) == path_key(path_key(checked))
    assert path_key(checked.casefold()) == path_key(checked)
    assert not checked.isascii() or path_key(checked.upper()) == path_key(checked.lower())
    assert all(checked.startswith(f"{parent}/") for parent in parents(checked))
    assert len(parents(checked)) == checked.count("/")


@given(st.text(max_size=60))
def test_any_text_is_a_safe_path_or_refused(text: str) -> None:
    try:
        path = checked_path(text)
    except InvalidRequest:
        return
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(path.split("/"))
    assert len(path.encode()) <= 1024


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "is empty"),
        ("/etc/passwd", "is absolute"),
        ("C:\\Windows", "is absolute"),
        ("a\\b", r"has a '\\'"),
        ("a/../../b", "has a part '..'"),
        ("./a", "has a part '.'"),
        ("a//b", "empty part"),
        ("a\x00b", "control character"),
        ("invoice\u202efdp.exe", "control character"),
        ("a /b", "ends with a space"),
        ("a./b", "ends with a dot"),
        ("x" * 256, "part longer than 255 bytes"),
        ("/".join(["part"] * 250), "longer than 1,024 bytes"),
        ("\udcff", "not valid Unicode"),
    ],
)
def test_a_refusal_says_what_is_wrong(path: str, why: str) -> None:
    if len(path) > 1000:
        assert len(path.encode()) > 1024
    with pytest.raises(InvalidRequest, match=why.replace("(", r"\(")):
        checked_path(path)


def test_folders_may_be_everything() -> None:
    assert checked_folder("") == checked_folder("/") == ""
    with pytest.raises(InvalidRequest):
        checked_folder("a//")


@pytest.mark.parametrize("name", ["main", "personal-user_01ab", "été 2026", "a.b+c@d", "日本"])
def test_collections_have_plain_names(name: str) -> None:
    assert checked_collection_name(name) == name


def test_a_path_that_is_far_too_long_is_not_said_back_whole() -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked_path("x" * 10_000)
    assert "is longer than 1,024 bytes" in caught.value.message
    assert len(caught.value.message) < 250
