"""What holding an answer to its shape costs: beside llama.cpp's own grammar sampler, and in an engine.

usage: python tests/bench/constraints.py [MODEL.gguf]     default: $JACKFIELD_TEST_MODEL
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import structlog
from llama_cpp import llama_cpp as api
from llama_cpp.llama_grammar import json_schema_to_gbnf

from jackfield.contracts.engine import EngineSettings, TokenBatch, TokenEngine
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.decoding.constraints.compiler import ConstraintCompiler
from jackfield.decoding.constraints.vocabulary import MatchedVocabulary
from jackfield.testing.file_model import file_model
from jackfield_engines.llama_cpp.factory import LlamaCppFactory
from jackfield_engines.llama_cpp.native import Weights

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "likes": {"type": "array", "items": {"enum": ["tea", "coffee", "cake"]}, "maxItems": 5},
    },
    "required": ["name", "age", "likes"],
    "additionalProperties": False,
}
PERSON_TEXT = '{"name": "Ada Lovelace, countess of numbers", "age": 36, "likes": ["tea", "cake"]}'
ANY_TEXT = '{"a": [1, 2.5e3, {"b": null}], "text": "Some longer text with words that go on and on, as texts do."}'
NESTED = """root ::= value
value ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
  | "[" ws (value ("," ws value)*)? "]" ws | string ws | "-"? [0-9]+ ("." [0-9]+)? ([eE] [-+]? [0-9]+)? ws
  | ("true" | "false" | "null") ws
string ::= "\\"" ([^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\\""
ws ::= | " " | "\\n" [ \\t]{0,20}
""".replace("\n  |", " |")
CASES = (
    ("a schema", "json_schema", json.dumps(PERSON), PERSON_TEXT),
    ("any object", "json_schema", '{"type": "object"}', ANY_TEXT),
    ("a recursive grammar", "grammar", NESTED, ANY_TEXT),
    ("an expression", "regex", r'\{"name": "[^"]*", "age": \d+, "likes": \[("[a-z]+"(, )?)*\]\}', PERSON_TEXT),
)
ROUNDS = 5
WRITTEN = 64
CLOCK = time.thread_time
"""All but forward passes is one thread's work, and other work on the machine does not count."""


def main() -> None:
    """Two tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    path = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["JACKFIELD_TEST_MODEL"])
    masks(Weights(path, vocabulary_only=True))
    decoding(path)


def masks(weights: Weights) -> None:
    """Microseconds to find the allowed tokens, one after the other along a text."""
    compiler = ConstraintCompiler(
        MatchedVocabulary(size=weights.vocabulary_size, piece=weights.piece, end_tokens=weights.end_tokens())
    )
    began = CLOCK()
    compiler.compile(Constraint(kind="choice", value='["a"]'))
    took = CLOCK() - began
    print(f"{weights.vocabulary_size} tokens; made ready once in {took * 1000:.0f} ms")
    print(f"{'':20} {'compiled':>10} {'a token, median':>16} {'p95':>9} {'worst':>9}   llama.cpp: median, p95, worst")
    for name, kind, value, text in CASES:
        constraint = Constraint(kind=kind, value=value)  # type: ignore[arg-type]
        began = CLOCK()
        compiler.compile(constraint)
        compiled = (CLOCK() - began) * 1000
        tokens = weights.tokenize(text, add_special=False, parse_special=False)
        ours = [took for _ in range(ROUNDS) for took in our_steps(compiler, constraint, tokens)]
        theirs = list(their_steps(weights, kind, value, tokens))
        print(f"{name:20} {compiled:7.1f} ms {spread(ours)}   {spread(theirs) if theirs else '(cannot)'}")


def our_steps(compiler: ConstraintCompiler, constraint: Constraint, tokens: Sequence[int]) -> Iterator[float]:
    """Seconds at each token of a text that has the shape."""
    matcher = compiler.matcher(constraint)
    for token in tokens:
        began = CLOCK()
        allowed = matcher.allowed()
        matcher.advance(token)
        yield CLOCK() - began
        assert token in allowed


def their_steps(weights: Weights, kind: str, value: str, tokens: Sequence[int]) -> Iterator[float]:
    """The same for llama.cpp's grammar sampler over the whole vocabulary; nothing for what it has no grammar for."""
    if kind == "regex":
        return
    grammar = value if kind == "grammar" else json_schema_to_gbnf(value)
    sampler = api.llama_sampler_init_grammar(weights.vocabulary, grammar.encode(), b"root")
    candidates = np.zeros(weights.vocabulary_size, dtype=[("id", "i4"), ("logit", "f4"), ("p", "f4")])
    data = ctypes.cast(candidates.ctypes.data, ctypes.POINTER(api.llama_token_data))
    for token in tokens:
        candidates["id"] = np.arange(weights.vocabulary_size)
        candidates["logit"] = 0
        listed = api.llama_token_data_array(data, weights.vocabulary_size, -1, False)
        began = CLOCK()
        api.llama_sampler_apply(sampler, ctypes.byref(listed))
        if not np.isfinite(candidates["logit"][token]):
            break
        api.llama_sampler_accept(sampler, token)
        yield CLOCK() - began
    api.llama_sampler_free(sampler)


def spread(seconds: Sequence[float]) -> str:
    """Median, 95th percentile and worst, in microseconds."""
    micros = sorted(took * 1e6 for took in seconds)
    return f"{statistics.median(micros):13.0f} us {micros[int(len(micros) * 0.95)]:6.0f} us {micros[-1]:6.0f} us"


def decoding(path: Path) -> None:
    """Milliseconds to draw a token, the forward pass left out, with and without a shape."""
    factory = LlamaCppFactory()
    model = file_model(factory, path)
    engine = factory.open(model, EngineSettings(context_length=1024))
    any_object = Constraint(kind="json_schema", value='{"type": "object"}')
    engine.compile_constraint(any_object)
    print(f"\n{WRITTEN} tokens drawn:    forward pass, median    drawing, median    drawing, worst")
    for name, temperature in (("greedy", 0.0), ("sampled", 0.8)):
        for shape, constraint in (("free", None), ("any object", any_object)):
            passes, draws = drawn(engine, constraint, Sampling(temperature=temperature, seed=1))
            print(
                f"{name + ', ' + shape:20} {statistics.median(passes) * 1e3:19.2f} ms"
                f" {statistics.median(draws) * 1e3:15.3f} ms {max(draws) * 1e3:13.3f} ms"
            )
    engine.close()


def drawn(engine: TokenEngine, constraint: Constraint | None, sampling: Sampling) -> tuple[list[float], list[float]]:
    """Seconds of each forward pass and each draw."""
    sampler = engine.sampler(sampling, constraint)
    prompt = engine.tokenize("A long list of animals, as JSON:\n", special=False)
    batch = TokenBatch()
    rows = [batch.add(token, position=at, sequence=0, logits=True) for at, token in enumerate(prompt)]
    engine.evaluate(batch)
    row, passes, draws = rows[-1], [], []
    for position in range(len(prompt), len(prompt) + WRITTEN):
        began = CLOCK()
        token = sampler.sample(row)
        draws.append(CLOCK() - began)
        if token in engine.model.end_tokens:
            break
        batch = TokenBatch()
        row = batch.add(token, position=position, sequence=0, logits=True)
        began = time.perf_counter()
        engine.evaluate(batch)
        passes.append(time.perf_counter() - began)
    sampler.close()
    engine.truncate(0, 0)
    return passes, draws


if __name__ == "__main__":
    main()
