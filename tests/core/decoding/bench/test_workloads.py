"""What is asked of a server in a bench: exact lengths, alike where it should be, new in every round."""

from __future__ import annotations

import pytest

from jackfield.decoding.bench.workloads import WORKLOADS, Composer, Workload
from jackfield.testing.scripted_engine import ScriptedEngine


def composer(seed: str = "1", scale: float = 1.0, begin_token: int | None = None) -> Composer:
    """Prompts in bytes."""
    engine = ScriptedEngine()
    return Composer(lambda text: engine.tokenize(text, special=False), begin_token, seed=seed, scale=scale)


def only(name: str, made_by: Composer) -> Workload:
    """A workload that has one part."""
    (compose,) = WORKLOADS[name]
    return compose(made_by)


def common(workload: Workload) -> int:
    """How many tokens the first prompts of all clients begin alike."""
    prompts = [client.turns[0].said for client in workload.clients]
    return next(place for place, tokens in enumerate(zip(*prompts, strict=True)) if len(set(tokens)) > 1)


def lengths(workload: Workload) -> list[tuple[int, int]]:
    """Prompt and answer of each client's first turn."""
    return [(len(client.turns[0].said), client.turns[0].answer) for client in workload.clients]


def test_a_shared_burst_is_eight_prompts_that_begin_alike() -> None:
    burst = only("shared-burst", composer())
    assert lengths(burst) == [(544, 64)] * 8
    assert 512 <= common(burst) < 530


def test_an_unrelated_burst_has_nothing_in_common() -> None:
    burst = only("unrelated-burst", composer())
    assert lengths(burst) == [(544, 64)] * 8
    assert common(burst) == 0


def test_agents_are_a_tree_and_say_more_in_each_of_five_turns() -> None:
    agents = only("agents", composer())
    assert 512 <= common(agents) < 530
    for clients, shared in ((agents.clients[:4], 896), (agents.clients[:2], 992), (agents.clients[4:], 896)):
        assert shared <= common(Workload("some", clients)) < shared + 18
    assert [[(len(turn.said), turn.answer) for turn in client.turns] for client in agents.clients] == [
        [(1024, 48), (64, 48), (64, 48), (64, 48), (64, 48)]
    ] * 8


def test_the_long_prompt_of_a_mixed_load_comes_when_the_others_are_being_answered() -> None:
    mixed = only("mixed", composer())
    assert [client.after for client in mixed.clients] == [0, 0, 0, 0, 16]
    assert len(mixed.clients[-1].turns[0].said) == 2000


def test_a_copy_is_asked_to_write_as_much_as_it_is_shown() -> None:
    (client,) = only("copy", composer()).clients
    assert client.turns[0].answer == 400
    assert "def " in bytes(client.turns[0].said).decode()


def test_a_model_that_wants_a_begin_token_has_it_once_at_the_start_of_every_conversation() -> None:
    for client in only("agents", composer(begin_token=256)).clients:
        history = [token for turn in client.turns for token in turn.said]
        assert history[0] == 256
        assert history.count(256) == 1


@pytest.mark.parametrize("name", list(WORKLOADS))
def test_the_same_seed_gives_the_same_texts_and_another_gives_others(name: str) -> None:
    def made(seed: str) -> list[Workload]:
        return [compose(composer(seed)) for compose in WORKLOADS[name]]

    assert made("1") == made("1")
    for one, other in zip(made("1"), made("2"), strict=True):
        assert all(
            mine.turns[0].said != theirs.turns[0].said for mine, theirs in zip(one.clients, other.clients, strict=True)
        )


@pytest.mark.parametrize("name", list(WORKLOADS))
def test_a_scale_shrinks_what_is_said_and_what_is_written(name: str) -> None:
    for compose in WORKLOADS[name]:
        whole, tenth = compose(composer()), compose(composer(scale=0.1))
        assert tenth.longest < whole.longest / 4
        assert len(tenth.clients) == len(whole.clients)
