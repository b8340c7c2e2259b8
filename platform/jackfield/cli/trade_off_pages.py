"""What `jackfield models tune` found, as a table with its caption, and as a JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from jackfield.cli.output import print_table, say
from jackfield.quantities import readable_bytes

if TYPE_CHECKING:
    from jackfield.models.tuning.measuring import Measurements
    from jackfield.models.tuning.trade_off import Measured
    from jackfield.models.tuning.tuner import Tuning

COLUMNS = ("FORMAT", "SIZE", "PREFILL/S", "DECODE/S", "FASTER", "KL", "KL 99%", "FLIPS", "")


def show(tuning: Tuning) -> None:
    """The table on stdout; what it means, and what was kept, on stderr."""
    from jackfield.models.tuning.trade_off import front

    found = tuning.measurements
    best = front(found.formats)
    rows = [_row(found.as_pulled, "")]
    rows += [_row(each, _remark(each, found, best)) for each in found.formats]
    print_table(COLUMNS, rows)
    for left_out in found.left_out:
        say(f"{left_out.name} was left out: {left_out.reason}")
    say(_caption(found))
    if busy := [each.name for each in found.formats if each.busy]:
        say(f"Something else kept this machine busy meanwhile ({', '.join(busy)}): tune again once it is idle.")
    say(_outcome(tuning))


def tuning_object(tuning: Tuning) -> dict[str, Any]:
    """For programs; `chosen` is a format's name, `kept` a model's."""
    from jackfield.models.tuning.trade_off import front

    found = tuning.measurements
    best = {each.name for each in front(found.formats)}
    return {
        "model": tuning.model,
        "as_pulled": _object(found.as_pulled),
        "formats": [{**_object(each), "on_front": each.name in best} for each in found.formats],
        "left_out": msgspec.to_builtins(found.left_out),
        "chosen": found.chosen.name if found.chosen else None,
        "kept": tuning.kept.name if tuning.kept else None,
    }


def _object(each: Measured) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(each)
    return built


def _row(each: Measured, remark: str) -> Sequence[str]:
    divergence = each.divergence
    return (
        each.name,
        readable_bytes(each.bytes),
        f"{each.speed.prefill:.0f} ({each.prefill_gain:.2f}x)",
        f"{each.speed.decode:.0f} ({each.decode_gain:.2f}x)",
        f"{each.gain:.2f}x",
        f"{divergence.mean:.4f}",
        f"{divergence.most:.3f}",
        f"{divergence.flips:.1%}",
        remark,
    )


def _remark(each: Measured, found: Measurements, best: Sequence[Measured]) -> str:
    if found.chosen and each.name == found.chosen.name:
        return "chosen"
    return "" if each in best else "beaten"


def _caption(found: Measurements) -> str:
    from jackfield.models.tuning.speed import ANSWER_TOKENS, PROMPT_TOKENS, ROUNDS, USUAL_ANSWER_TOKENS

    return (
        f"PREFILL/S and DECODE/S: tokens a second over a prompt of {PROMPT_TOKENS} and an answer of {ANSWER_TOKENS}, "
        f"each from an empty context, in the best of {ROUNDS} rounds or more, in turns with the file as pulled. "
        f"FASTER: a prompt of {PROMPT_TOKENS} with an answer of {USUAL_ANSWER_TOKENS}.\n"
        f"KL: how far predictions are from the file as pulled ({found.as_pulled.summary}: what it lost when it was "
        f"made itself is not counted), in nats, mean and 99th percentile over {found.as_pulled.divergence.tokens:,} "
        "tokens. FLIPS: where another token is the likeliest. Beaten: another is both faster and closer."
    )


def _outcome(tuning: Tuning) -> str:
    chosen = tuning.measurements.chosen
    if tuning.kept and chosen:
        return (
            f"'{tuning.kept.name}' is '{tuning.model}' in {chosen.name} ({chosen.summary}): prefill "
            f"{chosen.prefill_gain:.2f}x, decode {chosen.decode_gain:.2f}x, KL {chosen.divergence.mean:.4f}."
        )
    if chosen:
        return f"Nothing was kept, as asked; {chosen.name} would have been."
    return (
        "Nothing was kept: no format is close enough to the file as pulled and fast enough to be worth a second file. "
        "--max-kl allows more divergence, --keep FORMAT keeps one whatever was measured."
    )
