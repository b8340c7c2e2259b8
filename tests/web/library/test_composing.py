"""Files grouped, joined, summed up and compared over HTTP, and what is said of them in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from jackfield.files.comparing import ASKED, SHOWN, _tells
from jackfield.testing.scripted_engine import ScriptedEngine, answering
from jackfield.testing.tool_runs import ROOMY

TEA = "# Tea\n\nGreen tea is steeped at 80 degrees.\n"
COFFEE = "# Coffee\n\nCoffee is brewed at 93 degrees.\n"
ANSWER = "Tea takes 80 degrees [1]."


@pytest.fixture
async def drinks(library_serving: Any, files_of: Any) -> AsyncIterator[Any]:
    """Two files, and a model that says one thing."""
    engine = partial(ScriptedEngine, answering(lambda prompt: ANSWER), limits=ROOMY)
    async with library_serving(engine) as served:
        files = files_of(served.client)
        await files.write("drinks/tea.md", TEA)
        await files.write("drinks/coffee.md", COFFEE)
        yield files


async def asked(files: Any, what: str, **body: Any) -> Any:
    """The answer, which is not an error."""
    response = await files.client.post(f"/api/files/{what}", json=body)
    assert response.status_code in (200, 201), response.text
    return response.json()


async def test_files_are_grouped_by_words(drinks: Any) -> None:
    grouping = await asked(drinks, "group", words=["tea", "degrees"])
    assert [(group["name"], len(group["paths"])) for group in grouping["groups"]] == [("tea", 1), ("degrees", 2)]
    response = await drinks.client.post("/api/files/group", json={})
    assert response.status_code == 404
    assert "No embedding model is installed" in response.json()["error"]["message"]


async def test_files_are_joined_and_not_over_another(drinks: Any) -> None:
    body = {"paths": ["drinks/tea.md", "drinks/coffee.md"], "into": "drinks.md"}
    joined = await asked(drinks, "join", **body)
    assert [part["path"] for part in joined["parts"]] == body["paths"]
    text = (await drinks.read("drinks.md")).text
    assert text.index("80 degrees") < text.index("93 degrees")
    again = await drinks.client.post("/api/files/join", json=body)
    assert again.status_code == 409


async def test_what_files_say_is_summed_up_with_its_sources(drinks: Any) -> None:
    summary = await asked(drinks, "summarise", topic="green tea")
    assert summary["text"] == ANSWER
    assert summary["sources"][0]["path"] == "drinks/tea.md"
    whole = await asked(drinks, "summarise", paths=["drinks/coffee.md"])
    assert [source["path"] for source in whole["sources"]] == ["drinks/coffee.md"]
    nothing = await drinks.client.post("/api/files/summarise", json={})
    assert nothing.status_code == 400


async def test_passages_that_a_model_only_says_back_are_shown_as_such(library_serving: Any, files_of: Any) -> None:
    async with library_serving(partial(ScriptedEngine, limits=ROOMY)) as served:  # it says back what it was given
        files = files_of(served.client)
        await files.write("drinks/tea.md", TEA)
        await files.write("drinks/copy.md", TEA)
        await files.write("drinks/coffee.md", COFFEE)
        summary = await asked(files, "summarise", topic="green tea")
        whole = await asked(files, "summarise", paths=["drinks/tea.md", "drinks/coffee.md"])
    assert whole["text"].startswith("[1] # Tea Green tea is steeped at 80 degrees.\n\n[2] # Coffee ")
    assert "how they begin" in whole["notice"]
    assert [source["text"].strip() for source in summary["sources"]] == [TEA.strip()]
    assert summary["text"] == "[1] # Tea Green tea is steeped at 80 degrees."
    assert "did not sum up" in summary["notice"]


async def test_files_that_nobody_can_read_are_left_out_of_a_summary_with_a_remark(drinks: Any) -> None:
    await drinks.write("drinks/cup.png", b"\x89PNG\r\n\x1a\n\x00")
    whole = await asked(drinks, "summarise", paths=["drinks/coffee.md", "drinks/cup.png"])
    assert [source["path"] for source in whole["sources"]] == ["drinks/coffee.md"]
    assert whole["notice"] == "Left out, because no text can be read in them: 'drinks/cup.png'."
    alone = await drinks.client.post("/api/files/summarise", json={"paths": ["drinks/cup.png"]})
    assert alone.json()["error"]["code"] == "file_unreadable"


async def test_versions_are_compared_in_words(drinks: Any) -> None:
    await drinks.write("drinks/tea.md", TEA.replace("80", "75"))
    compared = await asked(drinks, "compare", path="drinks/tea.md")
    assert (compared["words"], compared["added"], compared["removed"]) == (ANSWER, 1, 1)
    assert "+Green tea is steeped at 75 degrees." in compared["unified"]


async def test_an_answer_that_says_the_question_back_is_replaced_by_the_changed_lines(
    library_serving: Any, files_of: Any
) -> None:
    async with library_serving(partial(ScriptedEngine, limits=ROOMY)) as served:  # it says back what it was given
        files = files_of(served.client)
        await files.write("plan.txt", "".join(f"step {number}\n" for number in range(20)))
        await files.write("plan.txt", "".join(f"stage {number}\n" for number in range(20)))
        compared = await asked(files, "compare", path="plan.txt")
    counts, first, *_, rest = compared["words"].splitlines()
    assert counts == "20 lines added, 20 lines removed."
    assert first == "before: step 0"
    assert rest == f"(and {40 - SHOWN} lines more that changed)"
    assert compared["model"] == ""
    assert "did not tell what changed" in compared["notice"]


@pytest.mark.parametrize(
    ("answer", "tells"),
    [
        ("The budget rose from 100 to 120.", True),
        ("The 120 is new.", True),
        ("", False),
        ("The text was changed in some ways.", False),
        (ASKED, False),
        ("Before: budget: 100\nAfter: budget: 120", False),
        ("Tell what changed, in a few plain sentences: 100 and 120.", False),
    ],
)
def test_an_answer_tells_what_changed_or_it_does_not(answer: str, tells: bool) -> None:
    assert _tells(answer, " The plan\n-budget: 100\n+budget: 120\n") == tells


async def test_without_versions_the_last_two_with_other_bytes_are_compared(drinks: Any) -> None:
    await drinks.write("drinks/tea.md", TEA.replace("80", "75"))
    await drinks.post("rename", path="drinks/tea.md", new_path="drinks/green.md")
    await drinks.client.delete(f"{drinks.at}/file", params={"path": "drinks/green.md"})
    await drinks.post("undelete", path="drinks/green.md")
    compared = await asked(drinks, "compare", path="drinks/green.md")
    assert (compared["old"]["number"], compared["added"], compared["removed"]) == (1, 1, 1)


async def test_words_are_a_plan_until_somebody_agrees_to_it(drinks: Any) -> None:
    words = "delete coffee.md and append 'Black tea: 100 degrees.' to tea.md"
    plan = await asked(drinks, "do", words=words)
    assert [step["call"] for step in plan["steps"]] == ["delete", "append"]
    assert plan["outcomes"] is None
    assert (await drinks.read("drinks/coffee.md")).status_code == 200
    agreed = {"to": plan["to"], "as_of": plan["as_of"]}
    done = await asked(drinks, "do", words=words, agreed=agreed)
    assert [outcome["error"] for outcome in done["outcomes"]] == [None, None]
    assert (await drinks.read("drinks/coffee.md")).status_code == 404
    assert (await drinks.read("drinks/tea.md")).text.endswith("Black tea: 100 degrees.\n")
    undone = await drinks.post("undo", change=done["change"])
    assert undone.status_code == 200, undone.text
    assert (await drinks.read("drinks/coffee.md")).text == COFFEE


async def test_a_plan_that_would_be_another_by_now_is_not_carried_out(drinks: Any) -> None:
    plan = await asked(drinks, "do", words="delete tea.md")
    await drinks.write("drinks/tea.md", "newer")
    agreed = {"to": plan["to"], "as_of": plan["as_of"]}
    late = await drinks.client.post("/api/files/do", json={"words": "delete tea.md", "agreed": agreed})
    assert late.status_code == 409
    assert (await drinks.read("drinks/tea.md")).text == "newer"
    old = {"to": plan["to"], "as_of": (datetime.now(UTC) - timedelta(days=1)).isoformat()}
    assert (await drinks.client.post("/api/files/do", json={"words": "x", "agreed": old})).status_code == 400


async def test_what_only_looks_is_done_at_once(drinks: Any) -> None:
    done = await asked(drinks, "do", words="what is in tea.md?")
    assert done["outcomes"][0]["says"] == TEA.splitlines()
    assert done["outcomes"][0]["result"][0]["version"] == 1
