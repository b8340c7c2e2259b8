"""Cases of BFCL's shape: read from files, refused where they are none, sampled evenly."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import InvalidRequest
from jackfield_plugins.function_calls.bench.cases import Case, read_cases, sample

FUNCTION = {"name": "add", "description": "Add.", "parameters": {"type": "dict", "properties": {}, "required": []}}


def row(name: str, **other: Any) -> dict[str, Any]:
    question = [[{"role": "user", "content": f"What about {name}?"}]]
    return {"id": name, "question": question, "function": [FUNCTION], "ground_truth": [{"add": {}}], **other}


def written(path: Path, *rows: dict[str, Any]) -> Path:
    text = "".join(json.dumps(each) + "\n" for each in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def test_files_are_read_packed_or_not_and_folders_whole(tmp_path: Path) -> None:
    written(tmp_path / "b.jsonl", row("parallel_0"), row("parallel_1"))
    written(tmp_path / "a.jsonl.gz", row("irrelevance_0", ground_truth=None))
    (tmp_path / "notes.txt").write_text("not a case")
    cases = read_cases([tmp_path])
    assert [case.id for case in cases] == ["irrelevance_0", "parallel_0", "parallel_1"]
    assert cases[0].ground_truth is None
    assert cases[1].messages[0].text == "What about parallel_0?"


@pytest.mark.parametrize(
    ("name", "category"),
    [("multiple_12", "multiple"), ("parallel_multiple_3", "parallel_multiple"), ("live_simple_1-0-2", "live_simple")],
)
def test_the_category_is_the_id_without_its_number(tmp_path: Path, name: str, category: str) -> None:
    (case,) = read_cases([written(tmp_path / "some.jsonl", row(name))])
    assert case.category == category


def test_a_line_that_is_no_case_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "some.jsonl", row("a_0"), {"id": "a_1"})
    with pytest.raises(InvalidRequest, match=r"line 2 of .*some\.jsonl is no case"):
        read_cases([path])


def test_ground_truth_may_stand_apart_as_in_bfcls_own_package(tmp_path: Path) -> None:
    bare = {key: value for key, value in row("parallel_0").items() if key != "ground_truth"}
    path = written(tmp_path / "BFCL_parallel.json", bare)
    (tmp_path / "possible_answer").mkdir()
    written(tmp_path / "possible_answer" / path.name, {"id": "parallel_0", "ground_truth": [{"add": {"a": [1]}}]})
    (case,) = read_cases([path])
    assert case.ground_truth == ({"add": {"a": [1]}},)


@pytest.mark.parametrize(("name", "refused"), [("live_irrelevance_0-0-0", False), ("multiple_0", True)])
def test_only_a_case_that_wants_no_call_need_not_say_which_are_right(tmp_path: Path, name: str, refused: bool) -> None:
    path = written(tmp_path / "some.jsonl", {key: value for key, value in row(name).items() if key != "ground_truth"})
    if refused:
        with pytest.raises(InvalidRequest, match="has no ground_truth"):
            read_cases([path])
    else:
        assert read_cases([path])[0].ground_truth is None


def test_a_case_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "some.jsonl", row("a_0"), row("a_0"))
    with pytest.raises(InvalidRequest, match="'a_0' stands twice"):
        read_cases([path])


def test_a_case_of_several_turns_is_refused(tmp_path: Path) -> None:
    turn = [{"role": "user", "content": "And then?"}]
    with pytest.raises(InvalidRequest, match="has 2 turns"):
        read_cases([written(tmp_path / "some.jsonl", row("a_0", question=[turn, turn]))])


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bnot really packed"])
def test_a_file_without_cases_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"some\.jsonl\.gz"):
        read_cases([path])


def test_a_sample_is_evenly_spaced_and_categories_take_turns(tmp_path: Path) -> None:
    rows = [row(f"many_{place}") for place in range(10)] + [row("few_0"), row("few_1")]
    cases = read_cases([written(tmp_path / "some.jsonl", *rows)])
    assert ids(sample(cases, 3)) == ["many_0", "few_0", "many_3", "few_1", "many_6"]
    assert sorted(ids(sample(cases, None))) == sorted(ids(cases))


def ids(cases: list[Case]) -> list[str]:
    return [case.id for case in cases]
