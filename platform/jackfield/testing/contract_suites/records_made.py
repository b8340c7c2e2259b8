"""Records to store in tests: plain ones by hand, and any that could ever be by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import strategies as st

from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.runs import RunRecord, RunRequest, RunState
from jackfield.contracts.sampling import Constraint, SamplingOverrides
from jackfield.events import (
    Cancelled,
    Failed,
    Finished,
    Queued,
    RunEvent,
    RunEventBody,
    Started,
    TextDelta,
    TokenChance,
    TokenScore,
    Usage,
)
from jackfield.identifiers import new_identifier
from jackfield.messages import Message, Span

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_run(*, state: RunState = "queued", created_at: datetime = NOON, finished_at: datetime | None = None) -> RunRecord:
    """A run that asks for a short answer."""
    request = RunRequest(model="starter", messages=(Message.of("user", "What is a jackfield?"),))
    return RunRecord(
        id=new_identifier("run"), request=request, state=state, created_at=created_at, finished_at=finished_at
    )


def a_model(name: str = "starter", *, sha256: str = "0" * 64) -> InstalledModel:
    """A small model."""
    return InstalledModel(
        name=name,
        path=Path("/models") / f"{name}.gguf",
        reference=name,
        sha256=sha256,
        pulled_at=NOON,
        description=ModelDescription(
            name=name,
            architecture="llama",
            format="gguf",
            parameters=135_000_000,
            bytes=98_000_000,
            vocabulary_size=49_152,
            context_length=8_192,
            embedding_size=576,
            layers=30,
            end_tokens=frozenset({2, 0}),
            chat_template="{{ messages }}",
        ),
        sampling=SamplingOverrides(temperature=0.2, logit_bias={7: -100.0}),
    )


def numbered(run_id: str, bodies: Sequence[RunEventBody], *, first: int = 1) -> tuple[RunEvent, ...]:
    """Bodies as a run's events, a millisecond apart."""
    return tuple(
        RunEvent(run_id=run_id, number=number, at=NOON + timedelta(milliseconds=number), body=body)
        for number, body in enumerate(bodies, start=first)
    )


def words(count: int) -> tuple[RunEventBody, ...]:
    """As many pieces of text."""
    return tuple(TextDelta(text=f"word {number} ", tokens=2) for number in range(count))


counts = st.integers(min_value=0, max_value=2**31 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from((UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8)))),
)
usages = st.builds(Usage, prompt_tokens=counts, completion_tokens=counts, cached_tokens=counts)
chances = st.builds(TokenChance, piece=st.binary(max_size=8), logprob=finite)
scores = st.builds(TokenScore, chosen=chances, likeliest=st.lists(chances, max_size=2).map(tuple))
bodies = st.one_of(
    st.builds(Queued, model=st.text()),
    st.builds(Started, model=st.text(), prompt_tokens=counts),
    st.builds(TextDelta, text=st.text(), tokens=counts, scores=st.lists(scores, max_size=2).map(tuple)),
    st.builds(Finished, reason=st.sampled_from(("stop", "length")), usage=usages),
    st.builds(Failed, code=st.text(), message=st.text(), retry_after=st.none() | counts),
    st.builds(Cancelled, usage=st.none() | usages),
)
provenances = st.sampled_from(("system", "user", "assistant", "tool", "file", "remote"))
spans = st.lists(st.builds(Span, text=st.text(), provenance=provenances), max_size=3).map(tuple)
messages = st.builds(
    Message, role=st.sampled_from(("system", "user", "assistant", "tool")), spans=spans, name=st.none() | st.text()
)
requests = st.builds(
    RunRequest,
    model=st.text(),
    messages=st.lists(messages, max_size=3).map(tuple),
    prompt=st.none() | st.text() | st.lists(counts, max_size=5).map(tuple),
    sampling=st.fixed_dictionaries(
        {}, optional={"temperature": finite, "seed": counts, "logit_bias": st.dictionaries(counts, finite, max_size=3)}
    ),
    max_tokens=st.none() | st.integers(min_value=1, max_value=2**31),
    stop=st.lists(st.text(), max_size=3).map(tuple),
    logprobs=st.none() | st.integers(min_value=0, max_value=20),
    constraint=st.none() | st.builds(Constraint, kind=st.sampled_from(("json_schema", "regex")), value=st.text()),
    overflow=st.sampled_from(("error", "compress", "slide")),
)
