"""What prompts are thought to take before a tokenizer has seen them, and what tokens cost."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.budgets import Spending
from jackfield.contracts.identity import Account
from jackfield.contracts.runs import RunLimits, RunRequest
from jackfield.events import Usage
from jackfield.identity.budgets import Bookkeeping
from jackfield.identity.prices import Prices
from jackfield.identity.prompt_estimate import likely_prompt_tokens, most_prompt_tokens, most_text_tokens
from jackfield.messages import Message
from jackfield.runs.prompt_tokens import chat_tokens
from jackfield.testing.contract_suites.records_made import a_run
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.scripted_engine import ScriptedEngine

texts = st.text(alphabet=st.characters(exclude_characters="<|>", exclude_categories=("Cs",)), max_size=60)
messages = st.builds(Message.of, st.sampled_from(("system", "user", "assistant")), texts)


@given(st.lists(messages, min_size=1, max_size=8))
def test_no_conversation_is_longer_than_its_estimate(said: list[Message]) -> None:
    """The scripted engine makes a token of every byte, as the worst of tokenizers do."""
    request = RunRequest(model="scripted", messages=tuple(said))
    assert len(chat_tokens(ScriptedEngine(), said)) <= most_prompt_tokens(request)
    assert likely_prompt_tokens(request) <= most_prompt_tokens(request)


@given(texts)
def test_no_raw_prompt_is_longer_than_its_estimate(text: str) -> None:
    engine = ScriptedEngine()
    tokens = engine.tokenize(text, special=True)
    assert len(tokens) < most_prompt_tokens(RunRequest(model="scripted", prompt=text))
    assert len(tokens) < most_prompt_tokens(RunRequest(model="scripted", prompt=tuple(tokens)))
    assert len(tokens) < most_text_tokens([text])


def test_money_is_exact_and_parts_of_a_millionth_are_rounded_up() -> None:
    prices = Prices({"small": (0.15, 0.6), "dear": (2.5, 10)})
    assert prices.cost("small", read=100, written=0) == Spending(tokens=100, money=15)
    assert prices.cost("small", read=1, written=1) == Spending(tokens=2, money=1)
    assert prices.cost("dear", read=1_000_000, written=1_000_000).money == 12_500_000
    assert prices.cost("free", read=7, written=3) == Spending(tokens=10, money=0)


def test_a_run_that_never_began_spends_nothing() -> None:
    prices = Prices({"starter": (1.0, 1.0)})
    assert prices.spending(a_run(), None) == Spending()
    usage = Usage(prompt_tokens=4, completion_tokens=6, cached_tokens=3)
    assert prices.spending(a_run(), usage).tokens == 10


async def test_an_agent_has_its_own_limit_of_tokens_set_aside() -> None:
    books = Bookkeeping(InMemoryStateStore().budgets, {}, 4096)
    plain = RunRequest(model="scripted", prompt="hello")
    limited = RunRequest(model="scripted", prompt="hello", limits=RunLimits(tokens=70))
    said = RunRequest(model="scripted", prompt="hello", max_tokens=9, limits=RunLimits(tokens=70))
    assert [books.estimate(request).tokens for request in (plain, limited, said)] == [6 + 4096, 6 + 70, 6 + 9]
    reservation = books.reservation("run_1", said, Account(user_id="u", key_id="k"), datetime.now(UTC))
    assert (reservation.id, [holder.kind for holder in reservation.holders]) == ("run_1", ["key", "user"])
