"""What holds of an answer that has a constraint, for any TokenEngine that holds constraints at all."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import TokenBatch, TokenEngine
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.errors import ConstraintUnsupported, InvalidRequest
from jackfield.testing.contract_suites.schemas_made import schemas, suits

LONGEST = 150
"""Tokens of an answer under test."""

drawn = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

EXPRESSIONS = (r"[a-c]{2,5}", r"(the|a) (cat|dog)( ran)?", r"\d{2}/\d{2}", r'"(\\.|[^"\\]){0,6}"', "ä+|🙂{2}", "")
GRAMMARS = {
    'root ::= item{1,3}\nitem ::= "- " [a-z]{1,4} "\\n"  # a list': r"(- [a-z]{1,4}\n){1,3}",
    'root ::= [^\\x00-\\x7F] . | "\\u00e9\\t"': r"(?s)[^\x00-\x7f].|é\t",
    'root ::= ("a" | "ab") ("c" | "bc")': "abc|ac|abbc",
}
SENSELESS = (
    ("regex", "("),
    ("regex", "never ends in a backslash\\"),
    ("choice", "[]"),
    ("choice", "no list"),
    ("grammar", 'root ::= "never closed'),
    ("grammar", "root ::= missing"),
    ("json_schema", "{"),
    ("json_schema", '{"type": "strin"}'),
    ("json_schema", '{"type": "array", "uniqueItems": true}'),
)


class ConstrainedAnswers:
    """Part of `TokenEngineContract`; an engine that raises ConstraintUnsupported for all of it holds to it too."""

    @pytest.fixture
    def holding(self, engine: TokenEngine) -> TokenEngine:
        """The engine, if it holds constraints."""
        try:
            engine.compile_constraint(Constraint(kind="choice", value='["a"]'))
        except ConstraintUnsupported:
            pytest.skip("this engine holds no constraints")
        return engine

    @pytest.mark.parametrize("temperature", [0.0, 1.0, 5.0])
    def test_a_choice_is_one_of_them(self, holding: TokenEngine, temperature: float) -> None:
        choices = ["yes", "no", "yes, but", "ja 🙂", 'a "quoted"\nline', "/slashes/ & {braces}"]
        held = Constraint(kind="choice", value=json.dumps(choices))
        for seed in range(6):
            text, ended = answer(holding, held, Sampling(temperature=temperature, top_k=0, min_p=0, seed=seed))
            assert ended
            assert text in choices

    @pytest.mark.parametrize("expression", EXPRESSIONS)
    def test_an_expression_matches_the_whole(self, holding: TokenEngine, expression: str) -> None:
        held = Constraint(kind="regex", value=expression)
        for seed in range(4):
            text, ended = answer(holding, held, Sampling(temperature=1, top_k=0, min_p=0, seed=seed))
            assert re.fullmatch(expression, text) or not ended

    @pytest.mark.parametrize("grammar", GRAMMARS)
    def test_a_grammar_is_kept_to(self, holding: TokenEngine, grammar: str) -> None:
        for seed in range(4):
            sampling = Sampling(temperature=1, top_k=0, min_p=0, seed=seed)
            text, ended = answer(holding, Constraint(kind="grammar", value=grammar), sampling)
            assert re.fullmatch(GRAMMARS[grammar], text)
            assert ended

    def test_a_recursive_grammar_closes_what_it_opens(self, holding: TokenEngine) -> None:
        grammar = 'root ::= "(" root ")" | "[" root "]" | [a-z]'
        for seed in range(6):
            sampling = Sampling(temperature=1, top_k=0, min_p=0, seed=seed)
            text, ended = answer(holding, Constraint(kind="grammar", value=grammar), sampling)
            half = len(text) // 2
            closing = text[:half][::-1].translate(str.maketrans("([", ")]"))
            assert not ended or text[half + 1 :] == closing

    @drawn
    @given(schema=schemas(), seed=st.integers(0, 2**32 - 1))
    def test_json_has_its_schema(self, holding: TokenEngine, schema: Any, seed: int) -> None:
        held = Constraint(kind="json_schema", value=json.dumps(schema))
        text, ended = answer(holding, held, Sampling(temperature=1, top_k=0, min_p=0, seed=seed))
        assert not ended or suits(json.loads(text), schema)

    def test_the_same_sampler_settings_work_under_a_constraint(self, holding: TokenEngine) -> None:
        held = Constraint(kind="regex", value="[ab]{8}")
        banned = holding.tokenize("b", special=False)[-1]
        one = Sampling(seed=7, top_k=3, top_p=0.9, min_p=0.01, repeat_penalty=1.2, frequency_penalty=0.3)
        assert answer(holding, held, one) == answer(holding, held, one)
        for temperature in (0.0, 1.0):
            text, _ = answer(holding, held, Sampling(temperature=temperature, top_k=0, logit_bias={banned: -100.0}))
            assert re.fullmatch("[ab]{8}", text)

    def test_what_was_accepted_is_no_part_of_the_shape(self, holding: TokenEngine) -> None:
        sampler = holding.sampler(Sampling(temperature=0), Constraint(kind="choice", value='["a"]'))
        for token in holding.tokenize("something else", special=False):
            sampler.accept(token)
        assert holding.piece(sampler.sample(_first_row(holding))) == b"a"
        assert sampler.complete
        sampler.close()

    @pytest.mark.parametrize("temperature", [0.0, 1.0])
    def test_what_is_repeated_is_part_of_the_shape(self, holding: TokenEngine, temperature: float) -> None:
        held = Constraint(kind="regex", value="[0-9][a-z][0-9]{2}")
        sampling = Sampling(temperature=temperature, top_k=0, min_p=0, seed=3)
        one, row = holding.sampler(sampling, held), _first_row(holding)
        drawn: list[int] = []
        while not one.complete:
            drawn.append(one.sample(row))
        for cut in range(len(drawn) + 1):
            other = holding.sampler(sampling, held)
            for token in drawn[:cut]:
                other.repeat(token)
            rest: list[int] = []
            while not other.complete:
                rest.append(other.sample(row))
            assert rest == drawn[cut:]
            other.close()
        one.close()

    @pytest.mark.parametrize("seed", range(3))
    def test_before_a_trigger_all_is_free_and_behind_it_the_shape(self, holding: TokenEngine, seed: int) -> None:
        held = Constraint(kind="regex", value="[0-9]{1,3}[.]", triggers=("a", "e", "st"))
        sampling = Sampling(temperature=1, top_k=0, min_p=0, seed=seed)
        text, ended = answer(holding, held, sampling)
        free, trigger, shaped = re.fullmatch(r"(?s)(.*?)(a|e|st|\Z)(.*)", text).groups()  # type: ignore[union-attr]
        assert not re.search("a|e|st", free)
        if trigger:
            assert re.fullmatch("[0-9]{1,3}[.]" if ended else "[0-9]{0,3}", shaped)

    @pytest.mark.parametrize(("kind", "value"), SENSELESS)
    def test_what_makes_no_sense_is_refused_with_a_reason(self, holding: TokenEngine, kind: Any, value: str) -> None:
        held = Constraint(kind=kind, value=value, parameter="shape")
        for refuse in (holding.compile_constraint, lambda it: holding.sampler(Sampling(), it)):
            with pytest.raises(InvalidRequest) as refusal:
                refuse(held)
            assert refusal.value.parameter == "shape"
            assert len(refusal.value.message) > 20


def answer(engine: TokenEngine, constraint: Constraint, sampling: Sampling) -> tuple[str, bool]:
    """What is written behind a short prompt, and whether it came to its end; the text must be whole characters then."""
    sampler = engine.sampler(sampling, constraint)
    row = _first_row(engine)
    written: list[int] = []
    ended = False
    while len(written) < LONGEST and not ended:
        token = sampler.sample(row)
        if token in engine.model.end_tokens:
            ended = True
            break
        written.append(token)
        ended = sampler.complete
        batch = TokenBatch()
        row = batch.add(token, position=len(_prompt(engine)) + len(written) - 1, sequence=0, logits=True)
        engine.evaluate(batch)
    sampler.close()
    engine.truncate(0, 0)
    return b"".join(map(engine.piece, written)).decode(errors="strict" if ended else "ignore"), ended


def _first_row(engine: TokenEngine) -> int:
    engine.truncate(0, 0)
    batch = TokenBatch()
    prompt = _prompt(engine)
    rows = [batch.add(token, position=at, sequence=0, logits=at == len(prompt) - 1) for at, token in enumerate(prompt)]
    engine.evaluate(batch)
    return rows[-1]


def _prompt(engine: TokenEngine) -> list[int]:
    return engine.tokenize("The cat", special=False)
